"""The audit's pages: all of a pool comes on them, and what is wrong in Redis is found, whosever it is."""

import json
from collections.abc import Awaitable, Callable

import pytest

from dormparty_sse.domain.audit import Finding, Kind, findings
from dormparty_sse.domain.names import new_id
from dormparty_sse.domain.rules import Rules
from dormparty_sse.domain.states import State
from dormparty_sse.store.facts import Facts
from dormparty_sse.store.keys import pool_key
from dormparty_sse.store.store import Store
from tests.integration.store.people import Pair, People

Damage = Callable[[People, Pair], Awaitable[object]]


async def found(store: Store, people: People) -> list[Finding]:
    """What all pages have, each thing once."""
    pages = [page async for page in Facts(store).pages(people.pool)]
    return list(dict.fromkeys(finding for page in pages for finding in findings(page)))


def key(people: People, name: str, *ids: str) -> str:
    return pool_key(people.pool, name, *ids)


def in_data(field: str, value: str) -> Damage:
    return lambda people, pair: people.redis.hset(key(people, "user", pair.a.user_id), field, value)


def in_set(name: str) -> Damage:
    return lambda people, pair: people.redis.zadd(key(people, name), {pair.a.user_id: 1})


def out_of(*names: str) -> Damage:
    async def damage(people: People, pair: Pair) -> None:
        for name in names:
            await people.redis.zrem(key(people, name), pair.a.user_id)

    return damage


async def no_metadata(people: People, pair: Pair) -> None:
    await people.redis.delete(key(people, "user", pair.a.user_id))


async def only_in_line(people: People, pair: Pair) -> None:
    await no_metadata(people, pair)
    await out_of("presence", "waiting")(people, pair)


async def gap(people: People, pair: Pair) -> None:
    log = key(people, "log", pair.a.user_id)
    [(_, _), (second, _), *_] = await people.redis.xrange(log) or []
    await people.redis.xdel(log, second or "")


#: (invariant, what is wrong, two users in this state, what is done to the first)
DAMAGED: list[tuple[str, str, State, Damage]] = [
    ("one_state_set", "no set", State.IDLE, out_of("idle")),
    ("one_state_set", "two sets", State.WAITING, in_set("connecting")),
    ("one_state_set", "not in presence, another set", State.IDLE, in_data("state", "IN_CALL")),
    ("one_state_set", "a state that is none", State.IDLE, in_data("state", "NOWHERE")),
    ("one_state_set", "no metadata", State.IDLE, no_metadata),
    ("one_state_set", "nothing but a place in line", State.WAITING, only_in_line),
    ("matched_users_have_each_other", "another partner", State.IN_CALL, in_data("matchedWith", "somebody")),
    ("matched_users_have_each_other", "another session", State.CONNECTING, in_data("sessionId", "another")),
    ("free_users_have_no_room", "a room at home", State.IDLE, in_data("currentRoom", "room")),
    ("free_users_have_no_room", "waiting out of line", State.WAITING, out_of("queue")),
    ("free_users_have_no_room", "in a call and in line", State.IN_CALL, in_set("queue")),
    ("logs_are_contiguous", "a gap", State.IN_CALL, gap),
    ("logs_are_contiguous", "no number", State.IN_CALL, in_data("seq", "none")),
]


@pytest.mark.parametrize("state", State)
async def test_nothing_is_found_of_people_who_are_well(store: Store, people: People, state: State) -> None:
    pair = await people.pair_in(state)
    assert await found(store, people) == []
    page = await Facts(store).look(people.pool, users=[pair.a.user_id, "nobody"])
    assert page.users.keys() == {pair.a.user_id}
    assert page.users[pair.a.user_id].data == await people.user(pair.a)


@pytest.mark.parametrize(
    ("invariant", "what", "state", "damage"), DAMAGED, ids=[f"{case[0]}: {case[1]}" for case in DAMAGED]
)
async def test_a_damaged_user_is_found(
    store: Store, people: People, invariant: str, what: str, state: State, damage: Damage
) -> None:
    pair = await people.pair_in(state)
    await damage(people, pair)
    subjects = {(one.kind, one.id) for one in await found(store, people) if one.invariant == invariant}
    assert subjects >= {(Kind.USER, pair.a.user_id)}, what
    assert (Kind.USER, pair.b.user_id) not in subjects


async def test_somebody_who_is_in_a_set_but_not_in_presence_is_found(store: Store, people: People) -> None:
    pair = await people.pair_in(State.IDLE)
    await out_of("presence")(people, pair)
    await in_set("in_call")(people, pair)
    assert {one.id for one in await found(store, people)} == {pair.a.user_id}


async def test_one_of_a_crowd_is_found(store: Store, people: People) -> None:
    crowd = [user.user_id for user in await people.idle(700)]
    pages = [page async for page in Facts(store).pages(people.pool)]
    assert {user for page in pages for user in page.users} == set(crowd)
    assert max(len(page.users) for page in pages) < 300
    await people.redis.hset(key(people, "user", crowd[321]), "matchedWith", "somebody")
    [finding] = await found(store, people)
    assert (finding.kind, finding.id) == (Kind.USER, crowd[321])


async def test_an_open_match_that_nobody_is_in_is_found(store: Store, people: People) -> None:
    a, b = await people.idle(2)
    session = new_id()
    match = {"phase": "open", "createdAt": 1, "roomName": "room", "user1": a.user_id, "user2": b.user_id}
    for field, value in match.items():
        await people.redis.hset(key(people, "match", session), field, str(value))
    await people.redis.zadd(key(people, "matches"), {session: 1})
    subjects = {(one.invariant, one.kind, one.id) for one in await found(store, people)}
    assert subjects == {("matched_users_have_each_other", Kind.MATCH, session)}


async def test_a_match_of_a_cooling_pair_is_found(store: Store, people: People) -> None:
    pair = await people.pair_in(State.CONNECTING)
    created = int(await people.redis.hget(key(people, "match", pair.session_id), "createdAt") or 0)
    match = await people.redis.hgetall(key(people, "match", pair.session_id))
    for until, expected in ((created, set()), (created + 1, {(Kind.MATCH, pair.session_id)})):
        await people.redis.zadd(key(people, "cooldowns", str(match["user1"])), {str(match["user2"]): until})
        assert {(one.kind, one.id) for one in await found(store, people)} == expected


async def test_every_late_deadline_is_found(store: Store, people: People) -> None:
    now = int((await people.redis.time())[0]) * 1000
    late = {f"leave:user-{n}": now - 5_000 for n in range(450)}  # all at once, and more than one page
    await people.redis.zadd(key(people, "deadlines"), {**late, "leave:in-time": now + 60_000})
    subjects = [(one.invariant, one.kind, one.id) for one in await found(store, people)]
    assert sorted(subjects) == sorted(("deadlines_are_met", Kind.DEADLINE, deadline) for deadline in late)


async def test_what_users_write_is_not_taken_for_a_step(store: Store, people: People) -> None:
    users = await people.idle(2)
    for user in users:
        await store.enqueue(user, ['"seq":99', '{"seq":99}'])
    [pair] = await store.reserve_pairs(people.pool, [(new_id(), "room")])
    await store.open_match(pair, "RM")
    assert any('"seq\\":99' in json.dumps(event) for event in await people.events(users[0]))
    assert await found(store, people) == []


async def test_full_logs_are_read_a_few_at_a_time(store: Store, people: People) -> None:
    users = await people.idle(10)
    length = Rules().log_length
    for user in users:
        for seq in range(1, length + 1):
            await people.redis.xadd(key(people, "log", user.user_id), {"data": json.dumps({"seq": seq})})
    page = await Facts(store).look(people.pool, users=[user.user_id for user in users])
    assert [facts.steps for facts in page.users.values()] == [[(1, 256)]] * len(users)
    commit = await store.run("users_examine", people.pool, *page.users)
    assert 0 < len(commit.fields["users"]) < len(users)
