"""The index of pools: found whole, however many there are, and never in one answer."""

import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from dormparty_sse.store.connection import Connection
from dormparty_sse.store.keys import POOLS
from dormparty_sse.store.store import Store

MANY = 3_000


@pytest.fixture
async def many(redis_url: str) -> AsyncIterator[set[str]]:
    """The names of so many pools, which have nobody in them."""
    names = {f"pool-{secrets.token_hex(6)}" for _ in range(MANY)}
    async with Redis.from_url(redis_url) as redis:
        await redis.sadd(POOLS, *names)
        yield names
        await redis.srem(POOLS, *names)


async def test_all_pools_are_found_page_by_page(
    store: Store, many: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    execute, sizes = Connection.execute, []

    async def measured(self: Connection, *command: Any, **kwargs: Any) -> Any:
        answer = await execute(self, *command, **kwargs)
        sizes.append(max(len(answer), len(answer[1])))
        return answer

    monkeypatch.setattr(Connection, "execute", measured)
    pools = await store.pools()
    assert many <= set(pools)
    assert len(pools) == len(set(pools))
    assert max(sizes) < MANY / 2
