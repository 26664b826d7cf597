"""Whatever is done by hand to the fields of users and matches, repair mends, and then all goes on."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from dormparty_sse.domain.audit import Finding, Kind, findings
from dormparty_sse.domain.endings import Reason
from dormparty_sse.domain.errors import InvalidTransition, StateFault, UnknownUser
from dormparty_sse.domain.models import Reservation, Step, UserRef
from dormparty_sse.domain.names import new_id, room_name
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.domain.states import State
from dormparty_sse.store.control import Control
from dormparty_sse.store.facts import Facts
from dormparty_sse.store.keys import pool_key
from dormparty_sse.store.queries import Queries
from dormparty_sse.store.store import Store
from tests.integration.store.people import Pair, People
from tests.support.stores import connected_store

pytestmark = pytest.mark.busy

#: (a user or the match, which of its fields, counted round, and what stands there then; None: nothing)
Damage = tuple[str, int, str | None]
Command = Callable[[], Awaitable[Any]]

DAMAGES = st.tuples(
    st.sampled_from(["a", "b", "match"]), st.integers(0, 30), st.sampled_from([None, "", "x", "-1"])
)
#: RESERVED is no state: two who wait, and are held for each other.
STARTS = st.sampled_from([*State, "RESERVED"])
LOOKS = 3


async def pair_at(store: Store, people: People, start: str) -> Pair:
    if start != "RESERVED":
        return await people.pair_in(State(start))
    pair = await people.pair_in(State.WAITING)
    names = [(pair.session_id, room_name(people.pool, pair.session_id))]
    await store.reserve_pairs(people.pool, names)
    return pair


async def do_damage(people: People, pair: Pair, damages: Sequence[Damage]) -> None:
    for whose, number, value in damages:
        kind = "match" if whose == "match" else "user"
        subject = {"a": pair.a.user_id, "b": pair.b.user_id, "match": pair.session_id}[whose]
        key = pool_key(people.pool, kind, subject)
        fields = sorted(await people.redis.hkeys(key))
        if not fields:
            continue
        field = fields[number % len(fields)]
        await (people.redis.hdel(key, field) if value is None else people.redis.hset(key, field, value))


def commands(store: Store, people: People, pair: Pair) -> list[Command]:
    """Everything that can be done with a user or a match."""
    control, queries, pool, session = Control(store), Queries(store), people.pool, pair.session_id
    reservation = Reservation(
        pool=pool,
        session_id=session,
        room_name=room_name(pool, session),
        user1=pair.a.user_id,
        user2=pair.b.user_id,
    )
    about = {"event_id": "", "session_id": session}
    names = [(name, room_name(pool, name)) for name in (new_id(),)]
    done: list[Command] = [
        lambda: store.queue_views(pool, [pair.a.user_id, pair.b.user_id]),
        lambda: queries.queue(pool),
        lambda: queries.states(pool, [pair.a.user_id, pair.b.user_id]),
        lambda: store.open_match(reservation, f"RM-{session}"),
        lambda: store.release(reservation),
        lambda: store.run_deadlines(pool, 100),
        lambda: store.room_finished(pool, **about, room_sid=f"RM-{session}"),
        lambda: store.room_deleted(pool, session),
        lambda: store.reserve_pairs(pool, names),
    ]
    for user in (pair.a, pair.b):
        done += commands_of(store, user, about, room_name(pool, session))
        done += [partial(force, control, user, to) for to in State]
    done.append(lambda: control.repair_match(pool, session, end=Reason.SKIP))
    return done


def commands_of(store: Store, user: UserRef, about: dict[str, str], room: str) -> list[Command]:
    of_user: dict[str, Any] = {**about, "user_id": user.user_id, "sid": f"PA-{user.user_id}"}
    return [
        lambda: store.register(user),
        lambda: store.status(user),
        lambda: store.open_stream(user, "0-1"),
        lambda: store.run("streams_catch_up", user.pool, user.user_id, "0-0"),
        lambda: store.participant_joined(user.pool, **of_user, joined_at=2),
        lambda: store.participant_left(user.pool, **of_user, how="left"),
        lambda: store.acknowledge_room_closing(user, room),
        lambda: store.skip(user, None),
        lambda: store.end(user, None),
        lambda: store.enqueue(user, ["music"]),
        lambda: store.leave(user, None),
    ]


async def force(control: Control, user: UserRef, to: State) -> None:
    with suppress(InvalidTransition, UnknownUser):
        await control.transition(user.pool, [Step(user_id=user.user_id, to_state=to)], force=True)


async def repair(store: Store, pool: str) -> None:
    """As services/repair.py does, until the audit finds nothing."""
    for _ in range(LOOKS):
        for finding in await look(store, pool):
            await mend(store, pool, finding)
    assert await look(store, pool) == []


async def look(store: Store, pool: str) -> list[Finding]:
    return [finding async for page in Facts(store).pages(pool) for finding in findings(page)]


async def mend(store: Store, pool: str, finding: Finding) -> None:
    if finding.kind is Kind.USER:
        await Control(store).repair_user(UserRef(user_id=finding.id, pool=pool))
    elif finding.kind is Kind.MATCH:
        await Control(store).repair_match(pool, finding.id)
    else:
        await store.run_deadlines(pool, 100)


def on_redis(url: str, work: Callable[[Store, People], Awaitable[None]]) -> None:
    async def run() -> None:
        async with connected_store(url) as store, Redis.from_url(url, decode_responses=True) as redis:
            await work(store, People(store, redis))

    asyncio.run(run())


@pytest.mark.timeout(300)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    start=STARTS,
    damages=st.lists(DAMAGES, min_size=1, max_size=3),
    first=st.integers(0, 40),
    how_many=st.sampled_from([0, 0, 3, 40]),
)
def test_damage_is_mended_whatever_is_done_meanwhile(
    redis_url: str, start: str, damages: list[Damage], first: int, how_many: int
) -> None:
    async def work(store: Store, people: People) -> None:
        pair = await pair_at(store, people, start)
        await do_damage(people, pair, damages)
        some = commands(store, people, pair)
        for command in [*some, *some][first % len(some) :][:how_many]:
            with suppress(StateFault):
                await command()
        await repair(store, people.pool)
        for command in commands(store, people, pair):
            await command()
            await people.assert_sound()

    on_redis(redis_url, work)


@pytest.mark.timeout(300)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(start=STARTS, damages=st.lists(DAMAGES, min_size=1, max_size=2))
def test_only_who_has_no_state_has_to_wait_for_the_repair(
    redis_url: str, start: str, damages: list[Damage]
) -> None:
    """All other damage is lived with: no command fails, though what it does may need mending."""

    async def work(store: Store, people: People) -> None:
        pair = await pair_at(store, people, start)
        await do_damage(people, pair, damages)
        if not {(await people.user(user)).get("state") for user in (pair.a, pair.b)} <= set(State):
            return
        for command in commands(store, people, pair):
            await command()

    on_redis(redis_url, work)


async def test_a_pool_of_damaged_people_goes_on_for_the_others(store: Store, people: People) -> None:
    """One broken deadline does not hold up the rest."""
    pair = await people.pair_in(State.IN_CALL)
    await store.skip(pair.a, pair.session_id)
    await people.redis.delete(pool_key(people.pool, "user", pair.a.user_id))
    for field in ("since", "seq", "sessionId", "lastReason"):
        await people.redis.hdel(pool_key(people.pool, "user", pair.b.user_id), field)
    deadlines = pool_key(people.pool, "deadlines")
    await people.redis.zadd(deadlines, {f"leave:{user.user_id}": 1 for user in (pair.a, pair.b)})
    commit = await store.run_deadlines(people.pool, 100)
    assert commit.outcome is Outcome.DONE
    assert [step.to_state for step in commit.transitions] == [State.WAITING]
    await repair(store, people.pool)
    assert (await people.user(pair.b))["state"] == "WAITING"
