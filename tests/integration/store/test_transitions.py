"""Steps asked for from outside: performed one by one, many at once, or forced."""

from collections.abc import Awaitable
from typing import Any

import pytest

from dormparty_sse.domain.errors import InvalidTransition, UnknownUser
from dormparty_sse.domain.models import Commit, Step, UserRef
from dormparty_sse.domain.states import WAYS, State
from dormparty_sse.store.control import Control
from dormparty_sse.store.keys import pool_key
from dormparty_sse.store.store import Store
from tests.integration.store.people import Pair, People

INTO_CALL = [State.IDLE, State.WAITING, State.CONNECTING, State.IN_CALL, State.DISCONNECTING]


def step(user: UserRef, to: State, seq: int | None = None) -> Step:
    return Step(user_id=user.user_id, to_state=to, seq=seq)


async def states(store: Store, *users: UserRef) -> list[State]:
    return [(await store.status(user)).state for user in users]


def moves(commit: Commit, user: UserRef) -> list[tuple[State, State]]:
    return [(t.from_state, t.to_state) for t in commit.transitions if t.user_id == user.user_id]


async def test_one_step_of_the_table_is_performed(store: Store, people: People) -> None:
    (a,) = await people.idle(1)
    commit = await Control(store).transition(a.pool, [step(a, State.WAITING)])
    assert moves(commit, a) == [(State.IDLE, State.WAITING)]
    assert not commit.transitions[0].forced
    assert commit.rematch
    await Control(store).transition(a.pool, [step(a, State.IDLE)])
    assert await states(store, a) == [State.IDLE]


@pytest.mark.parametrize("start", INTO_CALL)
async def test_a_step_that_the_table_does_not_have_is_refused_and_the_error_says_what_is_allowed(
    store: Store, people: People, start: State
) -> None:
    pair = await people.pair_in(start)
    one_step = {to for to, way in WAYS[start].items() if len(way) == 1}
    for to in set(State) - one_step:
        before = await people.contents()
        with pytest.raises(InvalidTransition) as refusal:
            await Control(store).transition(pair.a.pool, [step(pair.a, to)])
        assert refusal.value.extra["state"] == start
        assert refusal.value.extra["allowed"] == sorted(one_step)
        assert await people.contents() == before


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("to", State)
@pytest.mark.parametrize("start", INTO_CALL)
async def test_a_step_can_be_checked_beforehand(
    store: Store, people: People, start: State, to: State, *, force: bool
) -> None:
    """The check says what performing does then, and changes nothing."""
    control = Control(store)
    user = (await people.pair_in(start)).a
    allowed = await control.allowed(user, force=force)

    async def refused(seq: int | None) -> dict[str, Any] | None:
        before = await people.contents()
        foreseen = await refusal_of(control.check(user.pool, step(user, to, seq), force=force))
        assert await people.contents() == before
        refusal = await refusal_of(control.transition(user.pool, [step(user, to, seq)], force=force))
        assert foreseen == refusal
        assert refusal is None or refusal["allowed"] == sorted(allowed)
        return refusal

    assert await refused(17)  # which is nobody's
    assert (await refused(None) is None) == (to in allowed or (force and to == start))


async def refusal_of(asked: Awaitable[object]) -> dict[str, Any] | None:
    try:
        await asked
    except InvalidTransition as refusal:
        return refusal.extra
    return None


async def test_nobody_can_be_checked_who_is_not_known_or_has_no_state(store: Store, people: People) -> None:
    control = Control(store)
    nobody = UserRef(user_id="nobody", pool=people.pool)
    for asked in (control.allowed(nobody), control.check(people.pool, step(nobody, State.WAITING))):
        with pytest.raises(UnknownUser):
            await asked
    assert await people.traces(nobody) == set()
    (user,) = await people.idle(1)
    await people.redis.hset(pool_key(people.pool, "user", user.user_id), "state", "NOWHERE")
    assert await control.allowed(user, force=True) == []
    with pytest.raises(InvalidTransition):
        await control.check(people.pool, step(user, State.IDLE))


async def test_one_invalid_step_among_many_and_nothing_happens(store: Store, people: People) -> None:
    a, b, c = await people.idle(3)
    before = await people.contents()
    steps = [step(a, State.WAITING), step(b, State.WAITING), step(c, State.IN_CALL)]
    with pytest.raises(InvalidTransition) as refusal:
        await Control(store).transition(a.pool, steps)
    assert refusal.value.extra == {
        "index": 2,
        "userId": c.user_id,
        "state": State.IDLE,
        "seq": 0,
        "to": State.IN_CALL,
        "allowed": [State.WAITING],
    }
    assert await people.contents() == before


@pytest.mark.parametrize("how", ["performed", "forced"])
@pytest.mark.parametrize(
    ("kind", "field", "to"),
    [
        ("match", None, State.DISCONNECTING),
        ("match", "roomName", State.DISCONNECTING),
        ("partner", "seq", State.DISCONNECTING),
        ("partner", None, State.DISCONNECTING),
        ("user", "since", State.DISCONNECTING),
        ("user", "state", State.WAITING),
    ],
)
async def test_a_step_that_a_damaged_record_could_let_fail_is_refused_with_all_others(
    store: Store, people: People, kind: str, field: str | None, to: State, how: str
) -> None:
    (x,) = await people.idle(1)
    pair = await people.pair_in(State.IN_CALL)
    subject = {"match": pair.session_id, "partner": pair.b.user_id, "user": pair.a.user_id}[kind]
    key = pool_key(people.pool, "match" if kind == "match" else "user", subject)
    await (people.redis.hdel(key, field) if field else people.redis.delete(key))
    before = await people.contents()
    with pytest.raises(InvalidTransition, match="repaired first") as refusal:
        await Control(store).transition(
            x.pool, [step(x, State.WAITING), step(pair.a, to)], force=how == "forced"
        )
    assert (refusal.value.extra["index"], refusal.value.extra["userId"]) == (1, pair.a.user_id)
    assert refusal.value.extra["allowed"] == []
    assert await people.contents() == before


async def test_a_later_step_counts_from_where_an_earlier_one_leads(store: Store, people: People) -> None:
    (a,) = await people.idle(1)
    there_and_back = [step(a, State.WAITING), step(a, State.IDLE), step(a, State.WAITING)]
    commit = await Control(store).transition(a.pool, there_and_back)
    assert [t.seq for t in commit.transitions] == [1, 2, 3]
    with pytest.raises(InvalidTransition) as refusal:
        await Control(store).transition(a.pool, [step(a, State.IDLE), step(a, State.IDLE)])
    assert refusal.value.extra["index"] == 1


async def test_hundreds_of_users_take_a_step_together(store: Store, people: People) -> None:
    everybody = await people.idle(300)
    commit = await Control(store).transition(people.pool, [step(user, State.WAITING) for user in everybody])
    assert len(commit.transitions) == 300
    assert set(await states(store, *everybody)) == {State.WAITING}


async def test_two_of_one_match_take_the_same_step_together(store: Store, people: People) -> None:
    pair = await people.pair_in(State.IN_CALL)
    both = [step(pair.a, State.DISCONNECTING), step(pair.b, State.DISCONNECTING)]
    commit = await Control(store).transition(pair.a.pool, both)
    assert len(commit.transitions) == 2
    assert await states(store, pair.a, pair.b) == [State.DISCONNECTING] * 2


async def test_a_step_with_an_older_seq_is_refused(store: Store, people: People) -> None:
    (a,) = await people.idle(1)
    await store.enqueue(a, [])
    with pytest.raises(InvalidTransition) as refusal:
        await Control(store).transition(a.pool, [step(a, State.IDLE, seq=0)])
    assert refusal.value.extra["seq"] == 1
    await Control(store).transition(a.pool, [step(a, State.IDLE, seq=1)])
    assert await states(store, a) == [State.IDLE]


async def test_nobody_is_made_known_by_a_step(store: Store, people: People) -> None:
    await people.idle(1)
    before = await people.contents()
    with pytest.raises(UnknownUser):
        await Control(store).transition(people.pool, [Step(user_id="nobody", to_state=State.WAITING)])
    assert await people.contents() == before


@pytest.mark.parametrize(
    ("start", "to"), [(start, to) for start in INTO_CALL for to in WAYS[start] if start is not State.IDLE]
)
async def test_a_forced_step_goes_all_the_way_and_leaves_nobody_behind(
    store: Store, people: People, start: State, to: State
) -> None:
    pair = await people.pair_in(start)
    commit = await Control(store).transition(pair.a.pool, [step(pair.a, to)], force=True)
    assert tuple(there for _, there in moves(commit, pair.a)) == WAYS[start][to]
    assert all(t.forced for t in commit.transitions)
    assert (await people.user(pair.a))["forced"] == "1"
    expected = to if to is not State.IDLE else State.IDLE
    assert await states(store, pair.a) == [expected]
    if start in (State.CONNECTING, State.IN_CALL) and to is not State.IN_CALL:
        assert await partner_state(store, pair) in (State.WAITING, State.DISCONNECTING)
        log = await people.events(pair.b)
        assert [e["reason"] for e in log if e["type"] == "force-disconnect"] == ["admin"]


async def partner_state(store: Store, pair: Pair) -> State:
    return (await store.status(pair.b)).state


async def test_forced_steps_are_counted(store: Store, people: People) -> None:
    pair = await people.pair_in(State.IN_CALL)
    await Control(store).transition(pair.a.pool, [step(pair.a, State.IDLE)], force=True)
    counted = await people.statistics()
    assert counted["forced"] == 3  # both leave the call, and one goes home
    assert counted["end:admin"] == 1


async def test_the_flag_is_gone_with_the_next_step(store: Store, people: People) -> None:
    (a,) = await people.idle(1)
    await Control(store).transition(a.pool, [step(a, State.WAITING)], force=True)
    assert "forced" in await people.user(a)
    await store.end(a, None)
    assert "forced" not in await people.user(a)


async def test_nobody_is_forced_into_a_match_alone(store: Store, people: People) -> None:
    (a,) = await people.idle(1)
    for to in (State.CONNECTING, State.IN_CALL, State.DISCONNECTING):
        with pytest.raises(InvalidTransition) as refusal:
            await Control(store).transition(a.pool, [step(a, to)], force=True)
        assert refusal.value.extra["allowed"] == [State.WAITING]


@pytest.mark.parametrize("start", INTO_CALL)
async def test_a_removed_user_leaves_no_trace_and_its_partner_goes_on(
    store: Store, people: People, start: State
) -> None:
    pair = await people.pair_in(start)
    await Control(store).cleanup_user(pair.a)
    assert await people.traces(pair.a) == set()
    if start in (State.CONNECTING, State.IN_CALL):
        assert await partner_state(store, pair) in (State.WAITING, State.DISCONNECTING)
    await people.assert_sound()


async def test_a_removed_user_is_forgotten_by_those_it_was_kept_apart_from(
    store: Store, people: People
) -> None:
    pair = await people.pair_in(State.CONNECTING)
    await store.skip(pair.a, pair.session_id)
    assert pool_key(people.pool, "cooldowns", pair.b.user_id) in await people.traces(pair.a)
    await Control(store).cleanup_user(pair.a)
    assert await people.traces(pair.a) == set()


@pytest.mark.parametrize(
    "damage", [("state", "NOWHERE"), ("sessionId", "none"), ("seq", "many"), ("matchedWith", "nobody"), None]
)
@pytest.mark.parametrize("start", [State.WAITING, State.CONNECTING, State.IN_CALL])
async def test_a_user_whose_record_makes_no_sense_is_removed_too(
    store: Store, people: People, start: State, damage: tuple[str, str] | None
) -> None:
    pair = await people.pair_in(start)
    key = pool_key(people.pool, "user", pair.a.user_id)
    if damage:
        await people.redis.hset(key, *damage)
    else:
        await people.redis.delete(key)
    await Control(store).cleanup_user(pair.a)
    assert await people.traces(pair.a) == set()


async def test_more_steps_than_redis_has_time_for_are_refused(store: Store, people: People) -> None:
    (a,) = await people.idle(1)
    with pytest.raises(ValueError, match="at most 1000"):
        await Control(store).transition(a.pool, [step(a, State.WAITING)] * 1_001)
    assert await states(store, a) == [State.IDLE]
