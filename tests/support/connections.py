"""Connections to Redis with short timeouts, and waiting for them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dormparty_sse.domain.errors import StateAway
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.lanes import Script
from dormparty_sse.store.recovery import ConnectionState
from tests.support.waiting import eventually

COUNT = Script("return redis.call('INCR', KEYS[1])")
ECHO = Script("return ARGV[1]")
TIMEOUT_S = 0.5


@asynccontextmanager
async def connection_to(
    url: str,
    *,
    pool_size: int = 1,
    max_retries: int = 10,
    soonest_retry_s: float = 0.05,
    rarest_retry_s: float = 0.2,
) -> AsyncIterator[Connection]:
    connection = Connection(
        url,
        pool_size=pool_size,
        connect_timeout_s=TIMEOUT_S,
        command_timeout_s=TIMEOUT_S,
        max_retries=max_retries,
        soonest_retry_s=soonest_retry_s,
        rarest_retry_s=rarest_retry_s,
    )
    try:
        yield connection
    finally:
        await connection.aclose()


async def is_back(connection: Connection) -> None:
    """Waits until the connection is up, as somebody who needs it."""

    async def up() -> bool:
        connection.recovery.need()
        return connection.health.state is ConnectionState.UP

    await eventually(up, what="a connection that is up")


async def came_back(connection: Connection) -> None:
    """Waits until the connection was away, and is up again."""

    async def reconnected() -> bool:
        connection.recovery.need()
        return connection.health.reconnects > 0

    await eventually(reconnected, what="a connection that came back")


async def goes_away(connection: Connection) -> str:
    """Calls until Redis is said to be away; how it is said."""

    async def refused() -> str | None:
        try:
            await connection.probe()
        except StateAway as error:
            return error.detail
        return None

    return await eventually(refused, what="a connection that is away") or ""
