"""How long people are alone in a room: whoever stays is, once for each time, and whoever goes is not."""

import asyncio

import pytest

from dormparty_sse.domain.models import Commit, Participant, UserRef
from dormparty_sse.domain.names import room_name
from dormparty_sse.domain.states import State
from dormparty_sse.store.occupancy import Occupancy
from dormparty_sse.store.store import Store
from tests.integration.store.people import Pair, People
from tests.support.waiting import eventually

WAIT_S = 0.05


async def told_left(store: Store, pair: Pair, user: UserRef) -> Commit:
    """LiveKit says that a user has left the room."""
    return await store.participant_left(
        user.pool,
        event_id="",
        session_id=pair.session_id,
        user_id=user.user_id,
        sid=f"PA-{user.user_id}",
        how="left",
    )


def assert_alone_once(*commits: Commit) -> None:
    times = [alone_ms for commit in commits for alone_ms in commit.alone_ms]
    assert len(times) == 1
    assert WAIT_S * 1000 <= times[0] < 1_000


@pytest.mark.parametrize("says_so_first", [True, False])
async def test_who_stays_is_alone_until_it_is_out_however_that_is_told(
    store: Store, people: People, *, says_so_first: bool
) -> None:
    pair = await people.pair_in(State.IN_CALL)
    gone = await told_left(store, pair, pair.a)
    await asyncio.sleep(WAIT_S)
    said = [told_left(store, pair, pair.b), store.acknowledge_room_closing(pair.b, _room(people, pair))]
    commits = [await call for call in (reversed(said) if says_so_first else said)]
    late = await store.acknowledge_room_closing(pair.a, _room(people, pair))
    assert_alone_once(gone, *commits, late)


async def test_who_is_away_is_not_alone_but_its_partner(store: Store, people: People) -> None:
    pair = await people.pair_in(State.CONNECTING)
    opened = await store.open_stream(pair.a, None)
    for user in (pair.a, pair.b):
        await people.joined(pair.session_id, user)
    await store.stream_lost(pair.a, opened.fields["generation"])
    await asyncio.sleep(WAIT_S)
    end = await store.end(pair.b, None)
    out = await store.acknowledge_room_closing(pair.b, _room(people, pair))

    async def away_for_good() -> Commit | None:
        due = await store.run_deadlines(people.pool, 50)
        return due if due.transitions else None

    gone = await eventually(away_for_good, what="the moment to leave the room is over")
    assert gone
    assert_alone_once(end, out, gone)


async def test_whose_partner_is_back_in_time_was_not_alone(store: Store, people: People) -> None:
    pair = await people.pair_in(State.IN_CALL)
    opened = await store.open_stream(pair.a, None)
    await store.stream_lost(pair.a, opened.fields["generation"])
    await store.open_stream(pair.a, None)
    assert await _both_go(store, people, pair) == []


async def test_whose_partner_was_not_seen_by_mistake_was_not_alone(store: Store, people: People) -> None:
    pair = await people.pair_in(State.IN_CALL)
    occupancy = Occupancy(store)
    asked_at = round(await store.time()) + 1
    both = [Participant(identity=u.user_id, sid=f"PA-{u.user_id}", joined_at=1) for u in (pair.a, pair.b)]
    missed = await occupancy.observed(people.pool, pair.session_id, asked_at, both[1:])
    assert missed.fields["findings"] == [{"kind": "missing", "userId": pair.a.user_id}]
    await occupancy.observed(people.pool, pair.session_id, asked_at, both)
    assert await _both_go(store, people, pair) == []


async def _both_go(store: Store, people: People, pair: Pair) -> list[int]:
    """Both leave the room by its closing; how long somebody was alone."""
    end = await store.end(pair.a, None)
    outs = [await store.acknowledge_room_closing(user, _room(people, pair)) for user in (pair.a, pair.b)]
    return [alone_ms for commit in (end, *outs) for alone_ms in commit.alone_ms]


def _room(people: People, pair: Pair) -> str:
    return room_name(people.pool, pair.session_id)
