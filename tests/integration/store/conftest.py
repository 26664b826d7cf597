"""A store on a real Redis that no service looks after."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from dormparty_sse.domain.rules import Rules
from dormparty_sse.store.client import connect
from dormparty_sse.store.store import Store
from tests.integration.store.people import People


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[Store]:
    redis = connect(redis_url, connect_timeout_s=2, command_timeout_s=5, pool_size=2)
    yield Store(redis, Rules())
    await redis.aclose()


@pytest.fixture
async def people(store: Store, redis_url: str) -> AsyncIterator[People]:
    async with Redis.from_url(redis_url, decode_responses=True) as redis:
        yield People(store, redis)
