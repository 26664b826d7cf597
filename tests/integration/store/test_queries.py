"""The queries: what operators and programs ask of users, and that asking changes nothing."""

import pytest

from dormparty_sse.domain.errors import UnknownUser
from dormparty_sse.domain.models import Step, UserRef
from dormparty_sse.domain.queries import Flag, UserCounters
from dormparty_sse.domain.states import State
from dormparty_sse.store.control import Control
from dormparty_sse.store.keys import pool_key
from dormparty_sse.store.queries import MOST_STATES, Queries
from dormparty_sse.store.store import Store
from tests.integration.store.people import People


@pytest.fixture
def queries(store: Store) -> Queries:
    return Queries(store)


# Counts and states


async def test_users_are_counted_by_state(queries: Queries, people: People) -> None:
    for state in (State.IDLE, State.IN_CALL, State.CONNECTING):
        await people.pair_in(state)
    assert await queries.count_states(people.pool) == {
        State.IDLE: 2,
        State.WAITING: 0,
        State.CONNECTING: 2,
        State.IN_CALL: 2,
        State.DISCONNECTING: 0,
    }


async def test_states_of_many_are_told_at_once_without_the_unknown(queries: Queries, people: People) -> None:
    pair = await people.pair_in(State.IN_CALL)
    [other] = await people.idle(1)
    asked = [pair.a.user_id, other.user_id, "nobody"]
    states = await queries.states(people.pool, asked)
    assert {user: (of.state, of.seq) for user, of in states.items()} == {
        pair.a.user_id: ("IN_CALL", 3),
        other.user_id: ("IDLE", 0),
    }
    assert states[other.user_id].since == int((await people.user(other))["since"])


async def test_states_of_too_many_are_refused(queries: Queries, people: People) -> None:
    assert await queries.states(people.pool, [f"user-{n}" for n in range(MOST_STATES)]) == {}
    with pytest.raises(ValueError, match="at most"):
        await queries.states(people.pool, [f"user-{n}" for n in range(MOST_STATES + 1)])


# The queue


async def test_queue_is_shown_by_place(queries: Queries, people: People, store: Store) -> None:
    users = await people.idle(5)
    for user in users:
        await store.enqueue(user, [])
    first = await queries.queue(people.pool, limit=2)
    await store.end(users[0], None)
    rest = await queries.queue(people.pool, cursor=first.cursor)
    assert [user.user_id for user in (*first.items, *rest.items)] == [user.user_id for user in users]
    assert [user.position for user in first.items] == [1, 2]
    assert [user.position for user in rest.items] == [2, 3, 4]  # one of those before them has gone
    assert first.items[0].waiting_since
    assert rest.items[0].waiting_since == int((await people.user(users[2]))["joinedQueueAt"])
    assert rest.cursor is None


# One user


async def test_a_user_is_shown_with_its_timeline(queries: Queries, people: People, store: Store) -> None:
    pair = await people.pair_in(State.IN_CALL)
    await store.skip(pair.a, pair.session_id)
    shown = await queries.user(pair.a, events=3)
    data = await people.user(pair.a)
    assert (shown.state, shown.previous_state, shown.last_reason) == ("DISCONNECTING", "IN_CALL", "skip")
    assert (shown.seq, shown.since, shown.created_at) == (4, int(data["since"]), int(data["createdAt"]))
    assert (shown.session_id, shown.current_room) == (pair.session_id, data["currentRoom"])
    assert shown.matched_with == pair.b.user_id
    assert shown.room_joined_at == int(data["roomJoinedAt"])
    assert shown.joined_queue_at == int(data["joinedQueueAt"])
    assert (shown.last_action, shown.last_action_at) == ("skip", int(data["lastActionAt"]))
    assert shown.further == {name: data[name] for name in shown.further}
    assert {"place", "targetState"} <= shown.further.keys()
    assert not {"state", "seq", "matches", "callMs"} & shown.further.keys()
    assert [entry.type for entry in shown.timeline] == ["room-closing", "skip-confirmed", "call-started"]
    confirmed = shown.timeline[1]
    assert (confirmed.state, confirmed.seq, confirmed.session_id) == ("DISCONNECTING", 4, pair.session_id)
    assert shown.timeline[0].reason == "skip"
    assert [entry.event_id for entry in shown.timeline] == sorted(
        (entry.event_id for entry in shown.timeline), reverse=True
    )
    assert len((await queries.user(pair.a)).timeline) == 5


async def test_to_be_looked_at_is_no_sign_of_life(queries: Queries, people: People) -> None:
    [user] = await people.idle(1)
    await people.redis.zadd(pool_key(people.pool, "presence"), {user.user_id: 5})
    assert (await queries.user(user)).last_seen_at == 5
    await queries.states(people.pool, [user.user_id])
    assert await people.redis.zscore(pool_key(people.pool, "presence"), user.user_id) == 5


async def test_an_unknown_user_stays_unknown(queries: Queries, people: People) -> None:
    user = UserRef(user_id="nobody", pool=people.pool)
    with pytest.raises(UnknownUser):
        await queries.user(user)
    assert await people.traces(user) == set()


async def test_flags_say_what_is_so_now(queries: Queries, people: People, store: Store) -> None:
    a, b, away = await people.idle(3)
    assert (await queries.user(a)).flags == ()
    for user in (a, b):
        await store.enqueue(user, [])
    await store.reserve_pairs(people.pool, [("session", "room")])
    assert (await queries.user(a)).flags == (Flag.RESERVED,)
    await people.redis.zadd(pool_key(people.pool, "presence"), {away.user_id: 1})
    assert (await queries.user(away)).flags == (Flag.UNREACHABLE,)
    step = Step(user_id=away.user_id, to_state=State.WAITING)
    await Control(store).transition(people.pool, [step], force=True)
    assert Flag.FORCED in (await queries.user(away)).flags


async def test_counters_are_numbers_from_the_beginning(queries: Queries, people: People) -> None:
    [user] = await people.idle(1)
    assert (await queries.user(user)).counters == UserCounters(
        matches=0, skips=0, ends=0, calls=0, total_call_ms=0, average_call_ms=0
    )
    await people.redis.hset(
        pool_key(people.pool, "user", user.user_id),
        mapping={"matches": 5, "skips": 3, "ends": 2, "calls": 4, "callMs": 10_000},
    )
    assert (await queries.user(user)).counters == UserCounters(
        matches=5, skips=3, ends=2, calls=4, total_call_ms=10_000, average_call_ms=2_500
    )


@pytest.mark.parametrize("damage", ["", "many", "-1", "1.5", "nan", "9" * 40, "²"])
async def test_a_damaged_record_is_shown_too(queries: Queries, people: People, damage: str) -> None:
    [user] = await people.idle(1)
    numbers = ["seq", "since", "createdAt", "joinedQueueAt", "roomJoinedAt", "lastActionAt"]
    numbers += ["matches", "skips", "ends", "calls", "callMs"]
    key = pool_key(people.pool, "user", user.user_id)
    await people.redis.hset(key, mapping={**dict.fromkeys(numbers, damage), "state": "NOWHERE"})
    shown = await queries.user(user)
    assert shown.state == "NOWHERE"
    assert (shown.seq, shown.since, shown.created_at) == (None, None, None)
    assert (shown.joined_queue_at, shown.room_joined_at, shown.last_action_at) == (None, None, None)
    assert shown.counters == UserCounters(
        matches=None, skips=None, ends=None, calls=None, total_call_ms=None, average_call_ms=None
    )
    await people.redis.delete(key)
