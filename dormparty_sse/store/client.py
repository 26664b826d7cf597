"""The process's connections to Redis, and the one place that turns Redis's errors into ours."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import RedisError

from dormparty_sse.domain.errors import StateAway


def connect(url: str, *, connect_timeout_s: float, command_timeout_s: float, max_retries: int) -> Redis:
    """A client for commands. Connections are made when first needed.

    A connection that cannot be made is tried again at once, within the command's own timeout; a command
    that was sent is not, since it may have been applied.
    """
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=connect_timeout_s,
        socket_timeout=command_timeout_s,
        retry=Retry(ExponentialWithJitterBackoff(base=0.01, cap=0.1), retries=max_retries),
        retry_on_error=[],
        health_check_interval=30,
    )


def connect_for_subscriptions(url: str, *, connect_timeout_s: float) -> Redis:
    """A client for pub/sub.

    Reads wait without limit, since a quiet channel is no error; a lost connection is one at once, since
    whoever listens has to know that it missed something.
    """
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=connect_timeout_s,
        socket_timeout=None,
        retry=Retry(NoBackoff(), retries=0),
    )


@asynccontextmanager
async def state_errors() -> AsyncIterator[None]:
    """Raises StateAway for whatever Redis, or the way to it, has against a command."""
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise StateAway from error
