"""A command whose answer was lost is repeated: it gets the answer it would have had, and is done once."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from dormparty_sse.domain.endings import Reason
from dormparty_sse.domain.models import Commit, Reservation, Step, UserRef
from dormparty_sse.domain.names import new_id, room_name
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.domain.rules import Rules
from dormparty_sse.domain.states import State
from dormparty_sse.store.control import Control
from dormparty_sse.store.keys import pool_key
from dormparty_sse.store.scripts import script_names, script_text
from dormparty_sse.store.store import Store
from tests.integration.store.people import Pair, People
from tests.support.proxy import Proxy, proxy
from tests.support.stores import connected_store

Command = Callable[[Store, Pair], Awaitable[Commit]]

#: What is done, in which state of the two, with which outcome and how many steps.
COMMANDS: dict[str, tuple[State, Command, Outcome, int]] = {
    "enqueue": (State.IDLE, lambda store, pair: store.enqueue(pair.a, []), Outcome.QUEUED, 1),
    "skip while connecting": (
        State.CONNECTING,
        lambda store, pair: store.skip(pair.a, None),
        Outcome.SKIPPED,
        2,
    ),
    "skip in a call": (State.IN_CALL, lambda store, pair: store.skip(pair.a, None), Outcome.SKIPPED, 2),
    "end while connecting": (State.CONNECTING, lambda store, pair: store.end(pair.a, None), Outcome.ENDED, 3),
    "end in a call": (State.IN_CALL, lambda store, pair: store.end(pair.a, None), Outcome.ENDED, 2),
    "cancel": (State.WAITING, lambda store, pair: store.end(pair.a, None), Outcome.CANCELLED, 1),
    "leave": (State.IN_CALL, lambda store, pair: store.leave(pair.a, None), Outcome.ENDED, 2),
    "ack": (
        State.DISCONNECTING,
        lambda store, pair: store.acknowledge_room_closing(pair.a, room_name(pair.a.pool, pair.session_id)),
        Outcome.ACKNOWLEDGED,
        1,
    ),
    "participant left": (
        State.IN_CALL,
        lambda store, pair: store.participant_left(
            pair.a.pool,
            event_id=new_id(),
            session_id=pair.session_id,
            user_id=pair.a.user_id,
            sid=f"PA-{pair.a.user_id}",
            how="left",
        ),
        Outcome.DONE,
        2,
    ),
    "room finished": (
        State.IN_CALL,
        lambda store, pair: store.room_finished(
            pair.a.pool, event_id=new_id(), session_id=pair.session_id, room_sid=f"RM-{pair.session_id}"
        ),
        Outcome.DONE,
        4,
    ),
    "transition": (
        State.IDLE,
        lambda store, pair: Control(store).transition(
            pair.a.pool, [Step(user_id=user.user_id, to_state=State.WAITING) for user in (pair.a, pair.b)]
        ),
        Outcome.DONE,
        2,
    ),
    "cleanup": (State.IN_CALL, lambda store, pair: Control(store).cleanup_user(pair.a), Outcome.DONE, 3),
    "end of a match": (
        State.IN_CALL,
        lambda store, pair: Control(store).repair_match(pair.a.pool, pair.session_id, end=Reason.ROOM_FAILED),
        Outcome.DONE,
        2,
    ),
}


@pytest.fixture
async def way(redis_url: str) -> AsyncIterator[Proxy]:
    """The way to Redis, on which answers get lost. Redis knows the scripts."""
    async with Redis.from_url(redis_url) as redis:
        for name in script_names():
            await redis.script_load(script_text(name, Rules()))
    async with proxy() as opened:
        await opened.open(int(redis_url.rpartition(":")[2].partition("/")[0]))
        yield opened


@pytest.fixture
async def far_store(way: Proxy) -> AsyncIterator[Store]:
    """The store, by that way."""
    async with connected_store(way.redis_url) as store:
        yield store


async def losing_the_answer(way: Proxy, command: Awaitable[Any]) -> Any:
    cuts = way.cuts
    way.lose_answers(1, to=b"EVALSHA")
    answer = await command
    assert way.cuts == cuts + 1
    return answer


@pytest.mark.parametrize(("state", "command", "outcome", "steps"), COMMANDS.values(), ids=COMMANDS)
async def test_a_repeated_command_is_done_once_and_says_so(
    way: Proxy,
    far_store: Store,
    people: People,
    state: State,
    command: Command,
    outcome: Outcome,
    steps: int,
) -> None:
    pair = await people.pair_in(state)
    await far_store.status(pair.a)  # so that the connection is there, and the pool noted
    before = await seqs(people, pair)
    commit = await losing_the_answer(way, command(far_store, pair))
    assert commit.outcome is outcome
    assert len(commit.transitions) == steps
    after = await seqs(people, pair)
    forgotten = [user for user in before if user not in after]
    assert (
        sum(after.values())
        - sum(before[user] for user in after)
        + (sum(step.user_id in forgotten for step in commit.transitions))
        == steps
    )
    await people.assert_sound()


async def seqs(people: People, pair: Pair) -> dict[str, int]:
    """How many steps each of the two has taken, so far as it is known."""
    users = {user.user_id: await people.user(user) for user in (pair.a, pair.b)}
    return {user: int(data["seq"]) for user, data in users.items() if data}


async def test_pairs_are_reserved_once(way: Proxy, far_store: Store, people: People) -> None:
    users = await people.idle(6)
    for user in users:
        await far_store.enqueue(user, [])
    names = [(session, room_name(people.pool, session)) for session in (new_id(),)]
    pairs = await losing_the_answer(way, far_store.reserve_pairs(people.pool, names))
    assert len(pairs) == 1
    assert len(await people.redis.zrange(f"{{{people.pool}}}:queue", 0, -1)) == 4


async def test_a_match_is_opened_once_and_its_room_is_not_taken_for_unneeded(
    way: Proxy, far_store: Store, people: People
) -> None:
    reservation = await reserved(far_store, people)
    commit = await losing_the_answer(way, far_store.open_match(reservation, "RM"))
    assert (commit.outcome, len(commit.transitions)) == (Outcome.DONE, 2)


async def test_a_reservation_is_given_back_once(way: Proxy, far_store: Store, people: People) -> None:
    reservation = await reserved(far_store, people)
    commit = await losing_the_answer(way, far_store.release(reservation))
    assert commit.outcome is Outcome.DONE
    await people.assert_sound()


async def test_what_has_fallen_due_is_done_once_and_told(
    way: Proxy, far_store: Store, people: People
) -> None:
    pair = await people.pair_in(State.CONNECTING)
    await far_store.status(pair.a)
    deadlines = pool_key(people.pool, "deadlines")
    await people.redis.zadd(deadlines, {f"connect:{pair.session_id}": 1})
    commit = await losing_the_answer(way, far_store.run_deadlines(people.pool, 10))
    assert [step.to_state for step in commit.transitions] == [State.WAITING, State.IDLE] * 2
    await people.redis.zadd(deadlines, {f"room:{pair.session_id}": 1})
    commit = await losing_the_answer(way, far_store.run_deadlines(people.pool, 10))
    assert [room["sessionId"] for room in commit.fields["rooms"]] == [pair.session_id]
    await people.assert_sound()


async def reserved(store: Store, people: People) -> Reservation:
    for user in await people.idle(2):
        await store.enqueue(user, [])
    session = new_id()
    (reservation,) = await store.reserve_pairs(people.pool, [(session, room_name(people.pool, session))])
    return reservation


async def test_signs_of_life_and_looks_may_be_repeated(way: Proxy, far_store: Store, people: People) -> None:
    pair = await people.pair_in(State.WAITING)
    looks: list[Callable[[UserRef], Awaitable[Commit]]] = [
        far_store.register,
        far_store.status,
        lambda user: far_store.open_stream(user, None),
        lambda user: far_store.run("streams_catch_up", user.pool, user.user_id, "0-0"),
        lambda user: far_store.run_deadlines(user.pool, 10),
    ]
    for number, look in enumerate(looks, 1):
        way.lose_answers(1, to=b"EVALSHA")
        commit = await look(pair.a)
        assert (commit.outcome, commit.transitions) == (Outcome.DONE, ())
        assert way.cuts == number
    assert (await people.user(pair.a))["seq"] == "1"
    await people.assert_sound()
