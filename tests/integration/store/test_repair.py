"""Repair: whatever is wrong with a user or a match, one look mends it, and a second finds nothing to do."""

from collections.abc import Awaitable, Callable

import pytest

from dormparty_sse.domain.endings import Reason
from dormparty_sse.domain.models import UserRef
from dormparty_sse.domain.names import room_name
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.domain.rules import Rules
from dormparty_sse.domain.states import State
from dormparty_sse.store.control import Control
from dormparty_sse.store.keys import pool_key
from dormparty_sse.store.store import Store
from tests.integration.store.people import Pair, People

Damage = Callable[[People, Pair], Awaitable[object]]


def user_key(people: People, user: UserRef) -> str:
    return pool_key(people.pool, "user", user.user_id)


def setting(field: str, value: str) -> Damage:
    return lambda people, pair: people.redis.hset(user_key(people, pair.a), field, value)


def without(field: str) -> Damage:
    return lambda people, pair: people.redis.hdel(user_key(people, pair.a), field)


def entering(index: str, score: float = 1) -> Damage:
    return lambda people, pair: people.redis.zadd(pool_key(people.pool, index), {pair.a.user_id: score})


def leaving(index: str) -> Damage:
    return lambda people, pair: people.redis.zrem(pool_key(people.pool, index), pair.a.user_id)


def without_deadline(kind: str) -> Damage:
    def damage(people: People, pair: Pair) -> Awaitable[object]:
        user = f"{kind}:{pair.a.user_id}"
        return people.redis.zrem(pool_key(people.pool, "deadlines"), user, f"{kind}:{pair.session_id}")

    return damage


async def without_metadata(people: People, pair: Pair) -> None:
    await people.redis.delete(user_key(people, pair.a))


async def without_match(people: People, pair: Pair) -> None:
    await people.redis.delete(pool_key(people.pool, "match", pair.session_id))


async def without_first_event(people: People, pair: Pair) -> None:
    log = pool_key(people.pool, "log", pair.a.user_id)
    [(first, _)] = await people.redis.xrange(log, count=1) or []
    await people.redis.xdel(log, first or "")


async def with_full_log_without_second_step(people: People, pair: Pair) -> None:
    """As long as logs may be, so that nobody can say where it began."""
    log = pool_key(people.pool, "log", pair.a.user_id)
    [_, (second, _)] = await people.redis.xrange(log, count=2) or []
    await people.redis.xdel(log, second or "")
    for _ in range(Rules().log_length):
        await people.redis.xadd(log, {"data": '{"type":"room-closing","timestamp":1}'})


DAMAGE: list[tuple[str, State, Damage]] = [
    ("no state", State.WAITING, setting("state", "NOWHERE")),
    ("the state of another set", State.WAITING, setting("state", "IDLE")),
    ("a call without a match", State.WAITING, setting("state", "IN_CALL")),
    ("two sets", State.WAITING, entering("idle")),
    ("no set", State.WAITING, leaving("waiting")),
    ("no set in a call", State.IN_CALL, leaving("in_call")),
    ("not in the index", State.IDLE, leaving("presence")),
    ("never forgotten", State.IDLE, without_deadline("presence")),
    ("waiting, not in line", State.WAITING, leaving("queue")),
    ("at home, in line", State.IDLE, entering("queue")),
    ("in a call, in line", State.IN_CALL, entering("queue")),
    ("at home with a room", State.IDLE, setting("currentRoom", "room")),
    ("waiting with a partner", State.WAITING, setting("matchedWith", "nobody")),
    ("held for no match", State.WAITING, setting("reservation", "none")),
    ("a call with somebody else", State.IN_CALL, setting("matchedWith", "nobody")),
    ("a call in another room", State.IN_CALL, setting("currentRoom", "elsewhere")),
    ("another session", State.CONNECTING, setting("sessionId", "none")),
    ("no session", State.CONNECTING, without("sessionId")),
    ("a match that is gone", State.CONNECTING, without_match),
    ("a call that is gone", State.IN_CALL, without_match),
    ("leaving for ever", State.DISCONNECTING, without_deadline("leave")),
    ("unknown, in a set", State.WAITING, without_metadata),
    ("unknown, in a call", State.IN_CALL, without_metadata),
    ("a log with a gap", State.IN_CALL, without_first_event),
    ("a full log with a gap", State.IN_CALL, with_full_log_without_second_step),
    ("no seq", State.WAITING, without("seq")),
    ("no seq at home", State.IDLE, without("seq")),
    ("a seq that is none", State.IN_CALL, setting("seq", "x")),
    ("a seq below zero", State.CONNECTING, setting("seq", "-1")),
    ("no since", State.WAITING, without("since")),
    ("a since that is none", State.DISCONNECTING, setting("since", "")),
    ("no place", State.WAITING, without("place")),
    ("a place that is none", State.WAITING, setting("place", "x")),
    ("in line since no time", State.WAITING, without("joinedQueueAt")),
]


@pytest.mark.parametrize(("start", "damage"), [row[1:] for row in DAMAGE], ids=[row[0] for row in DAMAGE])
async def test_a_damaged_user_is_mended_once(
    store: Store, people: People, start: State, damage: Damage
) -> None:
    pair = await people.pair_in(start)
    control = Control(store)
    await damage(people, pair)
    mended = await control.repair_user(pair.a)
    assert mended.outcome is Outcome.DONE
    assert mended.fields["repairs"]
    await control.repair_user(pair.b)  # its partner may have been in a match with nobody
    await control.repair_match(people.pool, pair.session_id)
    await people.assert_sound()
    for user in (pair.a, pair.b):
        assert (await control.repair_user(user)).outcome is Outcome.NOTHING
    assert (await control.repair_match(people.pool, pair.session_id)).outcome is Outcome.NOTHING


@pytest.mark.parametrize("state", State)
async def test_what_is_well_is_left_alone(store: Store, people: People, state: State) -> None:
    pair = await people.pair_in(state)
    before = await people.contents()
    for user in (pair.a, pair.b):
        assert (await Control(store).repair_user(user)).outcome is Outcome.NOTHING
    assert (await Control(store).repair_match(people.pool, pair.session_id)).outcome is Outcome.NOTHING
    assert await people.contents() == before


async def test_a_damaged_number_is_found_again_where_it_is_known(store: Store, people: People) -> None:
    pair = await people.pair_in(State.WAITING)
    before = await people.user(pair.a)
    await people.redis.hdel(user_key(people, pair.a), "seq", "since", "place", "joinedQueueAt")
    await Control(store).repair_user(pair.a)
    after = await people.user(pair.a)
    for field in ("seq", "since", "place"):
        assert after[field] == before[field]
    assert after["joinedQueueAt"] == before["since"]


async def test_who_has_no_place_and_is_not_in_line_comes_last(store: Store, people: People) -> None:
    pair = await people.pair_in(State.WAITING)
    await people.redis.hdel(user_key(people, pair.a), "place")
    await leaving("queue")(people, pair)
    await Control(store).repair_user(pair.a)
    line = await people.redis.zrange(pool_key(people.pool, "queue"), 0, -1)
    assert line == [pair.b.user_id, pair.a.user_id]


@pytest.mark.parametrize("state", [State.WAITING, State.CONNECTING, State.IN_CALL])
@pytest.mark.parametrize("field", ["phase", "roomName", "user1", "user2"])
async def test_a_damaged_match_is_mended_or_ended(
    store: Store, people: People, state: State, field: str
) -> None:
    pair = await people.pair_in(state)
    session = pair.session_id
    if state is State.WAITING:
        await store.reserve_pairs(people.pool, [(session, room_name(people.pool, session))])
    await people.redis.hdel(pool_key(people.pool, "match", session), field)
    assert (await Control(store).repair_match(people.pool, session)).outcome is Outcome.DONE
    for user in (pair.a, pair.b):
        await Control(store).repair_user(user)
    await people.assert_sound()


async def test_people_of_a_broken_call_are_told_and_wait_in_their_old_places(
    store: Store, people: People
) -> None:
    pair = await people.pair_in(State.CONNECTING)
    (later,) = await people.idle(1)
    await store.enqueue(later, [])
    await without_match(people, pair)
    for user in (pair.a, pair.b):
        await Control(store).repair_user(user)
        told = await people.events(user)
        assert [e["reason"] for e in told if e["type"] == "force-disconnect"] == ["room-failed"]
        assert told[-1]["type"] == "requeued"
    line = await people.redis.zrange(pool_key(people.pool, "queue"), 0, -1)
    assert line == [pair.a.user_id, pair.b.user_id, later.user_id]


async def test_a_match_that_half_its_people_are_in_is_ended_for_them(store: Store, people: People) -> None:
    pair = await people.pair_in(State.IN_CALL)
    await Control(store).cleanup_user(pair.b)
    await people.redis.hset(pool_key(people.pool, "match", pair.session_id), "phase", "open")
    assert (await Control(store).repair_match(people.pool, pair.session_id)).outcome is Outcome.DONE
    await people.assert_sound()


async def test_a_whole_match_is_ended_for_a_reason(store: Store, people: People) -> None:
    pair = await people.pair_in(State.IN_CALL)
    ended = await Control(store).repair_match(
        people.pool, pair.session_id, end=Reason.CONNECTION_LOST, by=pair.b.user_id
    )
    assert {step.to_state for step in ended.transitions} == {State.DISCONNECTING}
    assert (await people.user(pair.a))["targetState"] == "WAITING"
    [told] = [e for e in await people.events(pair.a) if e["type"] == "force-disconnect"]
    assert (told["reason"], told["initiatedBy"]) == ("connection-lost", pair.b.user_id)


@pytest.mark.parametrize("kind", ["connect", "room"])
async def test_a_match_without_its_deadline_gets_it_back(store: Store, people: People, kind: str) -> None:
    pair = await people.pair_in(State.CONNECTING)
    if kind == "room":
        await store.skip(pair.a, pair.session_id)
    deadline = f"{kind}:{pair.session_id}"
    assert await people.redis.zrem(pool_key(people.pool, "deadlines"), deadline) == 1
    await Control(store).repair_match(people.pool, pair.session_id)
    assert await people.redis.zscore(pool_key(people.pool, "deadlines"), deadline) is not None


async def test_a_match_that_nothing_is_known_of_is_forgotten(store: Store, people: People) -> None:
    pair = await people.pair_in(State.IDLE)
    await people.redis.zadd(pool_key(people.pool, "matches"), {pair.session_id: 1})
    await Control(store).repair_match(people.pool, pair.session_id)
    assert await people.redis.zcard(pool_key(people.pool, "matches")) == 0
