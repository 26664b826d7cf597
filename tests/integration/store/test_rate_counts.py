"""Counts of requests: the same in Redis and in the process."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest
from limits import parse
from redis.asyncio import Redis

from dormparty_sse.store.rate_counts import Count, LocalCounts, SharedCounts
from tests.support.connections import connection_to

Counts = SharedCounts | LocalCounts


@pytest.fixture(params=["shared", "local"])
async def counts(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[Counts]:
    if request.param == "local":
        yield LocalCounts()
        return
    async with connection_to(redis_url) as connection:
        yield SharedCounts(connection)


def somebody(limit: str) -> Count:
    """Whom nobody has counted yet."""
    return Count("actions_user", secrets.token_hex(8), parse(limit))


async def test_so_many_are_admitted_and_what_is_refused_does_not_count(counts: Counts) -> None:
    count = somebody("3/hour")
    standings = [(await counts.hit([count]))[0] for _ in range(6)]
    assert [standing.admitted for standing in standings] == [True] * 3 + [False] * 3
    assert [standing.remaining for standing in standings] == [2, 1, 0, 0, 0, 0]
    last = standings[-1]
    assert (last.name, last.amount, last.window_s) == ("actions_user", 3, 3600)
    assert 1 <= last.next_s <= 3600


async def test_nothing_is_counted_after_the_first_that_is_refused(counts: Counts) -> None:
    narrow, wide = somebody("1/hour"), somebody("10/hour")
    assert [standing.admitted for standing in await counts.hit([narrow, wide])] == [True, True]
    for _ in range(5):
        assert [standing.admitted for standing in await counts.hit([narrow, wide])] == [False]
    (standing,) = await counts.hit([wide])
    assert standing.remaining == 8


async def test_there_is_one_more_when_it_is_said_and_not_yet_all(counts: Counts) -> None:
    count = somebody("4/2 seconds")

    async def refusal() -> int:
        """Asks until it is refused; in how many seconds it may come back."""
        while (standing := (await counts.hit([count]))[0]).admitted:
            pass
        return standing.next_s

    for _ in range(3):  # after the first time the previous window counts, too
        await asyncio.sleep(await refusal())
        (standing,) = await counts.hit([count])
        assert standing.admitted
        assert standing.remaining < 3


async def test_many_at_once_are_counted_each(counts: Counts) -> None:
    count = somebody("10/hour")
    found = await asyncio.gather(*(counts.hit([count]) for _ in range(50)))
    assert sum(standing.admitted for (standing,) in found) == 10


async def test_what_is_counted_in_redis_expires_after_two_windows(redis_url: str) -> None:
    count = somebody("10/second")
    async with connection_to(redis_url) as connection, Redis.from_url(redis_url) as redis:
        await SharedCounts(connection).hit([count])
        await asyncio.sleep(1.1)
        await SharedCounts(connection).hit([count])
        keys = [key async for key in redis.scan_iter(f"dormparty:requests:*{count.who}*")]
        assert len(keys) == 2
        for key in keys:
            assert 0 < await redis.pttl(key) <= 2_000


async def test_local_counts_do_not_grow_without_end() -> None:
    counts = LocalCounts(most=10)
    known = somebody("2/hour")
    assert (await counts.hit([known]))[0].remaining == 1
    for _ in range(100):
        await counts.hit([somebody("2/hour")])
        assert len(counts._storage.storage) <= 10
    assert (await counts.hit([known]))[0].remaining == 1
