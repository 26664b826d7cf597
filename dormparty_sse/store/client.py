"""The process's connections to Redis, and the one place that turns Redis's errors into ours."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.maint_notifications import MaintNotificationsConfig

from dormparty_sse.domain.errors import StateAway, StateFault


def connect(url: str, *, connect_timeout_s: float, command_timeout_s: float, pool_size: int) -> Redis:
    """A client for commands, with at most `pool_size` connections, made when first needed.

    Nothing is tried again by itself: a command whose answer was lost may have been applied, and only who gave
    it knows whether to repeat it.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=pool_size,
        timeout=command_timeout_s,
        decode_responses=True,
        socket_connect_timeout=connect_timeout_s,
        socket_timeout=command_timeout_s,
        retry=_no_retry(),
        # Else redis-py 8.1 hands out connections that Redis has closed: redis/redis-py#4252.
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )
    return Redis.from_pool(pool)


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
        retry=_no_retry(),
    )


@asynccontextmanager
async def state_errors() -> AsyncIterator[None]:
    """Raises StateAway for what keeps Redis from answering, StateFault for a fault in a script."""
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise (StateFault if _is_fault(error) else StateAway) from error


def _is_fault(error: Exception) -> bool:
    # Redis names the script in each error from within one; the errors of its own state have a type or word.
    passing = ("MISCONF", "NOREPLICAS", "CLUSTERDOWN", "UNKILLABLE", "BUSY")
    return type(error) is ResponseError and "user_script" in str(error) and not str(error).startswith(passing)


def _no_retry() -> Retry:
    return Retry(NoBackoff(), retries=0)
