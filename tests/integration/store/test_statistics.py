"""A pool at a glance and minute by minute, as the scripts have counted it."""

import pytest

from dormparty_sse.domain.errors import InvalidRequest
from dormparty_sse.domain.queries import UserSince
from dormparty_sse.domain.states import State
from dormparty_sse.store.keys import pool_key
from dormparty_sse.store.statistics import MOST_MINUTES, Statistics
from dormparty_sse.store.store import Store
from tests.integration.store.people import People
from tests.support.waiting import eventually


@pytest.fixture
def statistics(store: Store) -> Statistics:
    return Statistics(store)


async def this_minute(people: People) -> int:
    """By Redis's clock; with enough of it left for a test."""

    async def begun() -> bool:
        return bool((await people.redis.time())[0] % 60 < 57)

    await eventually(begun, what="a minute with time left")
    return int((await people.redis.time())[0]) // 60


async def count(people: People, minute: int, counts: dict[str, int]) -> None:
    key = pool_key(people.pool, "statistics", str(minute))
    for field, number in counts.items():
        await people.redis.hincrby(key, field, number)


async def test_matches_are_counted_by_phase(statistics: Statistics, people: People, store: Store) -> None:
    for state in (State.IDLE, State.CONNECTING, State.IN_CALL, State.DISCONNECTING):
        await people.pair_in(state)
    for user in await people.idle(5):
        await store.enqueue(user, [])
    await store.reserve_pairs(people.pool, [("session", "room")])
    seen = await statistics.overview(people.pool)
    assert (seen.reserved_matches, seen.open_matches, seen.closing_matches) == (1, 2, 1)
    assert seen.counts[State.WAITING] == 5
    assert seen.in_line == 3


async def test_who_waits_and_is_away_is_not_taken_for_reserved(
    statistics: Statistics, people: People, store: Store
) -> None:
    for user in await people.idle(2):
        opened = await store.open_stream(user, None)
        await store.enqueue(user, [])
        await store.stream_lost(user, opened.fields["generation"])
    seen = await statistics.overview(people.pool)
    assert (seen.counts[State.WAITING], seen.in_line, seen.reserved_matches) == (2, 0, 0)


async def test_who_has_waited_longest_is_named(statistics: Statistics, people: People, store: Store) -> None:
    assert (await statistics.overview(people.pool)).oldest_waiting is None
    users = await people.idle(2)
    for user in users:
        await store.enqueue(user, [])
    await people.redis.zadd(pool_key(people.pool, "waiting"), {users[1].user_id: 5})
    oldest = (await statistics.overview(people.pool)).oldest_waiting
    assert oldest == UserSince(user_id=users[1].user_id, state=State.WAITING, since=5)


async def test_average_wait_is_that_of_those_matched_lately(statistics: Statistics, people: People) -> None:
    assert (await statistics.overview(people.pool)).average_wait_ms is None
    await people.redis.set(pool_key(people.pool, "average_wait"), 1_234)
    assert (await statistics.overview(people.pool)).average_wait_ms == 1_234


async def test_rates_are_of_the_last_five_full_minutes(statistics: Statistics, people: People) -> None:
    now = await this_minute(people)
    await count(people, now, {"step:IDLE>WAITING": 1_000, "forced": 1_000})  # not over yet
    await count(people, now - 1, {"step:IDLE>WAITING": 8, "ms:IDLE": 50_000, "end:skip": 5})
    for minute in (now, now - 2, now - 5, now - 6):
        await count(people, minute, {"step:WAITING>CONNECTING": 6})
    await count(people, now - 5, {"step:IDLE>WAITING": 2, "ms:IDLE": 10_000, "forced": 1})
    await count(people, now - 6, {"step:IDLE>WAITING": 1_000, "end:skip": 1_000})
    seen = await statistics.overview(people.pool)
    assert seen.steps_per_minute == {"IDLE>WAITING": 2, "WAITING>CONNECTING": 2.4}
    assert seen.matches_per_minute == 1.2
    assert seen.ends_per_minute == {"skip": 1}
    assert seen.forced_per_minute == 0.2
    assert seen.mean_ms == {"IDLE": 6_000}


async def test_time_in_a_state_is_that_of_all_who_left_it(statistics: Statistics, people: People) -> None:
    now = await this_minute(people)
    await count(people, now - 1, {"step:WAITING>IDLE": 1, "step:WAITING>CONNECTING": 2, "ms:WAITING": 9_000})
    assert (await statistics.overview(people.pool)).mean_ms == {"WAITING": 3_000}


async def test_minutes_say_what_happened_in_each(statistics: Statistics, people: People) -> None:
    now = await this_minute(people)
    await count(people, now - 150, {"step:IDLE>WAITING": 3, "ms:IDLE": 7, "end:skip": 2, "forced": 1})
    minutes = await statistics.minutes(people.pool, 200)
    assert [minute.starts_at for minute in minutes] == [(now - n) * 60_000 for n in reversed(range(200))]
    busy = [minute for minute in minutes if minute.steps]
    assert len(busy) == 1
    assert busy[0].starts_at == (now - 150) * 60_000
    assert busy[0].steps == {"IDLE>WAITING": 3}
    assert busy[0].spent_ms == {"IDLE": 7}
    assert (busy[0].ends, busy[0].forced) == ({"skip": 2}, 1)


async def test_what_users_do_is_in_the_minutes(statistics: Statistics, people: People, store: Store) -> None:
    await this_minute(people)
    pair = await people.pair_in(State.IN_CALL)
    await store.skip(pair.a, pair.session_id)
    [minute] = await statistics.minutes(people.pool, 1)
    assert minute.steps == {
        "IDLE>WAITING": 2,
        "WAITING>CONNECTING": 2,
        "CONNECTING>IN_CALL": 2,
        "IN_CALL>DISCONNECTING": 2,
    }
    assert minute.matches == 1
    assert minute.ends == {"skip": 1}
    assert minute.spent_ms.keys() == {"IDLE", "WAITING", "CONNECTING", "IN_CALL"}


@pytest.mark.parametrize("minutes", [0, -1, MOST_MINUTES + 1])
async def test_number_of_minutes_out_of_bounds_is_refused(
    statistics: Statistics, people: People, minutes: int
) -> None:
    with pytest.raises(InvalidRequest):
        await statistics.minutes(people.pool, minutes)


async def test_a_day_is_read_in_bounded_steps(statistics: Statistics, people: People) -> None:
    assert len(await statistics.minutes(people.pool, MOST_MINUTES)) == MOST_MINUTES
