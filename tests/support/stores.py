"""A store of the test's own, without a service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dormparty_sse.domain.rules import Rules
from dormparty_sse.store.client import connect
from dormparty_sse.store.store import Store


@asynccontextmanager
async def connected_store(url: str, rules: Rules | None = None) -> AsyncIterator[Store]:
    """The store on the Redis of this URL, until the context ends."""
    redis = connect(url, connect_timeout_s=2, command_timeout_s=5, pool_size=32)
    try:
        yield Store(redis, rules or Rules())
    finally:
        await redis.aclose()
