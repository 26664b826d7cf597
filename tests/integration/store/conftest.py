"""A store on a real Redis that no service looks after."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from dormparty_sse.store.store import Store
from tests.integration.store.people import People
from tests.support.stores import connected_store


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[Store]:
    async with connected_store(redis_url) as store:
        yield store


@pytest.fixture
async def people(store: Store, redis_url: str) -> AsyncIterator[People]:
    async with Redis.from_url(redis_url, decode_responses=True) as redis:
        yield People(store, redis)
