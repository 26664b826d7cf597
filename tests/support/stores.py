"""A store of the test's own, without a service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dormparty_sse.domain.rules import Rules
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.store import Store


@asynccontextmanager
async def connected_store(url: str, rules: Rules | None = None) -> AsyncIterator[Store]:
    """The store on the Redis of this URL, until the context ends."""
    connection = Connection(url, pool_size=4, connect_timeout_s=2, command_timeout_s=5, max_retries=10)
    try:
        yield Store(connection, rules or Rules())
    finally:
        await connection.aclose()
