"""What measuring the state layer alone needs: an empty Redis, a store on it, and a word for the outcome."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from dormparty_sse.dev.network import free_port
from dormparty_sse.dev.redis_server import redis_server
from dormparty_sse.dev.server import Server
from dormparty_sse.domain.models import UserRef
from dormparty_sse.domain.rules import Rules
from dormparty_sse.settings import Settings
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.store import Store

POOL = "main"
AT_ONCE = 256  #: Calls of one step, in each process.
_PATIENCE_S = 60  # for Redis, which is kept as busy as it can be

#: So that nobody is called away while others are still coming.
_RULES = Rules(
    stale_after_ms=3_600_000, unreachable_after_ms=3_600_000, connect_timeout_ms=3_600_000,
    leave_timeout_ms=3_600_000, user_ttl_ms=7_200_000,
)  # fmt: skip


@asynccontextmanager
async def connected_store(url: str) -> AsyncIterator[Store]:
    """A store as the service has it, but that waits for as long as a slow machine takes."""
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    connection = Connection(
        url,
        pool_size=defaults["redis_pool_size"],
        connect_timeout_s=defaults["redis_connect_timeout"],
        command_timeout_s=_PATIENCE_S,
        max_retries=defaults["redis_max_retries"],
    )
    try:
        yield Store(connection, _RULES)
    finally:
        await connection.aclose()


@asynccontextmanager
async def fresh_redis() -> AsyncIterator[str]:
    """The URL of a Redis with nothing in it, for as long as the context lasts."""
    async with fresh_redis_server() as server:
        yield server.url


@asynccontextmanager
async def fresh_redis_server() -> AsyncIterator[Server]:
    """A Redis with nothing in it, for as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="dormparty-bench-") as directory:
        async with redis_server(Path(directory), free_port()) as server:
            yield server


async def in_turn(users: list[UserRef], call: Callable[[UserRef], Awaitable[object]]) -> None:
    """Calls for every user, many at a time."""
    rest = iter(users)

    async def caller() -> None:
        for user in rest:
            await call(user)

    await asyncio.gather(*(caller() for _ in range(AT_ONCE)))


def verdict(met: bool) -> str:  # noqa: FBT001  # it is all there is to say
    """Was the goal met?"""
    return "ok" if met else "MISSED"
