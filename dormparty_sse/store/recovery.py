"""Is Redis there? While it is not: attempts to reach it, and what whoever asks is told meanwhile.

The pauses between attempts double from `soonest_s` to `rarest_s`, less up to half at random, so that
processes do not come in step. While somebody waits they do not grow, but are drawn from `_WHEN_NEEDED`:
open streams are to catch up within a second of Redis being back.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from enum import StrEnum
from random import uniform

import structlog
from redis.backoff import EqualJitterBackoff
from redis.exceptions import RedisError

from dormparty_sse.domain.errors import StateAway
from dormparty_sse.store.troubles import NO_CONNECTION, STOPPING, words

log = structlog.get_logger()

_MOST_DOUBLINGS = 16  # more change nothing, and a float overflows in the end
#: Of `soonest_s`; with its 1 s, a stream has 0.2 s left to subscribe and read its log in.
_WHEN_NEEDED = (0.4, 0.8)


class ConnectionState(StrEnum):
    """What the process knows of its way to Redis."""

    UP = "up"  #: The last attempt, or call, found all well.
    RECONNECTING = "reconnecting"  #: Redis is away; attempts go on.
    DOWN = "down"  #: It has been away for many attempts, which still go on.


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The connection as operators see it."""

    state: ConnectionState
    since: int  #: When this state began, in ms since the epoch.
    last_error: str | None  #: What was wrong the last time that something was.
    latency_ms: float | None  #: Of the last call or attempt that was answered.
    reconnects: int  #: How often Redis was away and came back.


class Recovery:
    """Up until something is lost; then an attempt at once, and more and more rarely until one succeeds.

    Who needs Redis brings the next attempt forward, to somewhat less than `soonest_s` after the last one.
    """

    def __init__(
        self,
        attempt: Callable[[], Awaitable[None]],
        when_back: Callable[[], Awaitable[None]],
        *,
        max_retries: int,
        soonest_s: float,
        rarest_s: float,
    ) -> None:
        self.state = ConnectionState.UP
        self.stopped = False  #: Calls are refused for good.
        self.outages = 0  #: Connections made before the last one may lead to what is no longer there.
        self.reconnects = 0
        self.last_error: str | None = None
        self.since = _now_ms()
        self._attempt = attempt
        self._when_back = when_back
        self._max_retries = max_retries
        self._soonest_s = soonest_s
        self._backoff = EqualJitterBackoff(base=soonest_s, cap=rarest_s)
        self._next_attempt = 0.0  # by the monotonic clock: when the next one may be, if somebody needs it
        self._needed = asyncio.Event()
        self._is_needed: list[Callable[[], bool]] = []
        self._up = asyncio.Event()
        self._up.set()
        self._recovering: asyncio.Task[None] | None = None

    @property
    def is_up(self) -> bool:
        """May calls be made?"""
        return self.state is ConnectionState.UP and not self.stopped

    def needed_while(self, is_needed: Callable[[], bool]) -> None:
        """`is_needed` is asked in each pause between attempts whether somebody waits for Redis."""
        self._is_needed.append(is_needed)

    def need(self) -> None:
        """Somebody needs Redis now."""
        self._needed.set()

    def away(self, why: str | None = None) -> StateAway:
        """The error for who needs Redis now. `why`: other than what the last attempt says."""
        if self.stopped:
            return StateAway(STOPPING)
        remaining_s = max(0.0, self._next_attempt - time.monotonic())
        return StateAway(why or self.last_error, retry_after_s=1 + math.floor(remaining_s))

    def lost(self, why: str) -> None:
        """Redis has failed somebody."""
        if not self.is_up:
            return
        self.last_error = why
        self.outages += 1
        self._up.clear()
        self._become(ConnectionState.RECONNECTING)
        log.warning("redis_away", error=why)
        # A context of its own: its log lines are not those of the request that happened to meet the break.
        recovering = self._recover()
        self._recovering = asyncio.get_running_loop().create_task(recovering, context=Context())

    async def up(self) -> None:
        """Returns when Redis is there."""
        await self._up.wait()

    async def stop(self) -> None:
        """No more attempts, and no more calls."""
        self.stopped = True
        if self._recovering:
            self._recovering.cancel()
            await asyncio.wait([self._recovering])

    async def _recover(self) -> None:
        lost_at = time.monotonic()
        failures = 0
        while (why := await self._try()) is not None:
            self.last_error = why
            failures += 1
            if failures == self._max_retries:
                self._become(ConnectionState.DOWN)
                log.error("redis_down", error=why, attempts=failures)
            await self._pause(self._backoff.compute(min(failures, _MOST_DOUBLINGS) - 1))
        self.reconnects += 1
        self._become(ConnectionState.UP)
        self._up.set()
        log.info("redis_back", away_s=round(time.monotonic() - lost_at, 1), attempts=failures + 1)

    async def _try(self) -> str | None:
        """Makes an attempt. Returns what is wrong, in words; None: nothing."""
        self._needed.clear()
        try:
            await self._attempt()
            await self._when_back()
        except (RedisError, OSError) as error:
            return words(error) or f"Redis refuses to work: {error}"
        except Exception:  # else nobody would try again
            log.exception("redis_attempt_crashed")
            return NO_CONNECTION
        finally:
            self._next_attempt = time.monotonic() + self._soonest_s
        return None

    async def _pause(self, delay_s: float) -> None:
        least_s = self._soonest_s * uniform(*_WHEN_NEEDED)  # noqa: S311  # only to differ from other processes
        await asyncio.sleep(least_s)
        if any(is_needed() for is_needed in self._is_needed):
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, delay_s - least_s)):
                await self._needed.wait()

    def _become(self, state: ConnectionState) -> None:
        self.state = state
        self.since = _now_ms()


def _now_ms() -> int:
    return round(time.time() * 1000)
