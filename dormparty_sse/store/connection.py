"""The owner of all of the process's connections to Redis.

Calls made while its connections are busy are collected, and sent together over the next free one. Each ends
within the command timeout, with an answer or with StateAway.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import Context
from typing import Any

import structlog
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError
from redis.maint_notifications import MaintNotificationsConfig

from dormparty_sse.domain.errors import StateAway, StateFault
from dormparty_sse.store.lanes import Argument, Call, Lane, Script, pack, send
from dormparty_sse.store.recovery import ConnectionState, Health, Recovery
from dormparty_sse.store.troubles import NO_ANSWER, words

log = structlog.get_logger()

_TOGETHER = 10  # calls not worth two connections
_BATCH = 100  # calls sent at once; with more, the first of them would wait long for the last
_PROBE_KEY = "dormparty:probe"
_PROBE_TTL_S = 1
_PROBE = ("SET", _PROBE_KEY, 1, "EX", _PROBE_TTL_S)  # a replica, or a full Redis, answers a PING


class Connection:
    """The way to one Redis. Connections are made when first needed, and again when they break."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int,
        connect_timeout_s: float,
        command_timeout_s: float,
        max_retries: int,
        soonest_retry_s: float = 1,
        rarest_retry_s: float = 30,
    ) -> None:
        """At most `pool_size` connections for commands, and one for each subscription."""
        self.connect_timeout_s = connect_timeout_s
        self.command_timeout_s = command_timeout_s
        self.last_answer = 0.0
        self.recovery = Recovery(
            self._attempt,
            self._cut_subscriptions,
            max_retries=max_retries,
            soonest_s=soonest_retry_s,
            rarest_s=rarest_retry_s,
        )
        self._pool = _pool(url, connect_timeout_s)
        self._pool_size = pool_size
        self._waiting: deque[Call] = deque()
        self._lanes: set[asyncio.Task[None]] = set()
        self._idle: list[asyncio.Future[None]] = []
        self._subscriptions: set[AbstractConnection] = set()
        self._latency_ms: float | None = None

    @property
    def health(self) -> Health:
        """What is known now."""
        return Health(
            state=self.recovery.state,
            since=self.recovery.since,
            last_error=self.recovery.last_error,
            latency_ms=self._latency_ms,
            reconnects=self.recovery.reconnects,
        )

    # Calls

    async def execute(self, *command: Argument, urgent: bool = True) -> Any:
        """Redis's answer to a command that may be repeated. Raises StateAway, StateFault.

        `urgent`: while Redis is away, this is a reason to look for it soon.
        """
        return await self._call(pack(*command), None, urgent=urgent)

    async def run(self, script: Script, keys: tuple[str, ...], args: tuple[Argument, ...]) -> Any:
        """Redis's answer to a script that may be repeated. Raises StateAway, StateFault."""
        rest = (len(keys), *keys, *args)
        command = pack("EVALSHA", script.digest, *rest)
        return await self._call(command, lambda: pack("EVAL", script.text, *rest))

    async def probe(self) -> None:
        """Returns if Redis takes changes. Raises StateAway."""
        await self.execute(*_PROBE)

    def require(self) -> None:
        """Raises StateAway while Redis is away."""
        if not self.recovery.is_up:
            self.recovery.need()
            raise self.recovery.away()

    async def _call(self, command: bytes, in_full: Callable[[], bytes] | None, *, urgent: bool = True) -> Any:
        if not self.recovery.is_up:
            if urgent:
                self.recovery.need()
            raise self.recovery.away()
        loop = asyncio.get_running_loop()
        call = Call(command, loop.create_future(), in_full)
        timer = loop.call_later(self.command_timeout_s, self._expire, call)
        self._waiting.append(call)
        self._wake_lane()
        try:
            return await call.answer
        finally:
            timer.cancel()

    def _expire(self, call: Call) -> None:
        call.fail(self.recovery.away(NO_ANSWER))

    # What the lanes tell

    def answered(self, latency_ms: float) -> None:
        """Redis has answered."""
        self.last_answer = asyncio.get_running_loop().time()
        self._latency_ms = latency_ms

    def failure(self, error: ResponseError) -> StateAway | StateFault:
        """What the caller is told of an error that Redis answered."""
        if why := words(error):
            self.recovery.lost(why)
            return self.recovery.away(why)
        fault = StateFault()
        fault.__cause__ = error
        return fault

    # Lanes

    def _wake_lane(self) -> None:
        if self._idle:
            self._idle.pop().set_result(None)
        elif len(self._lanes) < self._pool_size:
            lane = Lane(self._new_connection(), self)
            # A context of its own: its log lines are not those of the request that happened to need it first.
            self._lanes.add(asyncio.get_running_loop().create_task(self._work(lane), context=Context()))

    async def _work(self, lane: Lane) -> None:
        try:
            while self._waiting or not self.recovery.stopped:
                await self._work_comes()
                await self._serve(lane)
        finally:
            await lane.disconnect()

    async def _work_comes(self) -> None:
        if not self._waiting:
            woken = asyncio.get_running_loop().create_future()
            self._idle.append(woken)
            await woken

    async def _serve(self, lane: Lane) -> None:
        batch: deque[Call] = deque()
        share = max(_TOGETHER, min(_BATCH, math.ceil(len(self._waiting) / self._pool_size)))
        while self._waiting and len(batch) < share:
            call = self._waiting.popleft()
            if not call.answer.done():  # else its caller has gone, or its time is over
                batch.append(call)
        try:
            if batch and self.recovery.state is ConnectionState.UP:
                await lane.serve(batch)
        except Exception:
            log.exception("redis_lane_crashed")
        finally:
            for call in batch:
                call.fail(self.recovery.away())

    # Subscriptions

    @asynccontextmanager
    async def subscription(self) -> AsyncIterator[AbstractConnection]:
        """A connection for pub/sub. It breaks whenever Redis was away, as messages may be missing then.

        Raises what redis-py does, and TimeoutError.
        """
        link = self._new_connection()
        self._subscriptions.add(link)
        try:
            async with asyncio.timeout(self.connect_timeout_s):
                await link.connect()  # type: ignore[no-untyped-call]  # redis-py leaves it unannotated
            yield link
        finally:
            self._subscriptions.discard(link)
            await link.disconnect(nowait=True)

    async def _cut_subscriptions(self) -> None:
        for link in tuple(self._subscriptions):
            await link.disconnect(nowait=True)

    # The whole

    def _new_connection(self) -> AbstractConnection:
        """One that is not connected yet."""
        connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        return connection

    async def _attempt(self) -> None:
        """Does Redis take changes over a new connection? Raises what redis-py does, and TimeoutError."""
        connection = self._new_connection()
        try:
            async with asyncio.timeout(self.connect_timeout_s):
                await connection.connect()  # type: ignore[no-untyped-call]
            started = time.perf_counter()
            async with asyncio.timeout(self.command_timeout_s):
                await send(connection, pack(*_PROBE))
                await connection.read_response()
            self.answered((time.perf_counter() - started) * 1000)
        finally:
            await connection.disconnect(nowait=True)

    async def aclose(self) -> None:
        """Takes no more calls, waits for those under way, and closes all connections."""
        await self.recovery.stop()
        for woken in self._idle:
            woken.set_result(None)
        self._idle.clear()
        if self._lanes:
            _, unfinished = await asyncio.wait(self._lanes, timeout=self.command_timeout_s)
            for lane in unfinished:
                lane.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)
        await self._pool.disconnect()


def _pool(url: str, connect_timeout_s: float) -> ConnectionPool:
    return ConnectionPool.from_url(
        url,
        decode_responses=True,
        protocol=2,
        socket_connect_timeout=connect_timeout_s,
        socket_timeout=None,  # calls have timeouts of their own, and a quiet channel is no error
        # What was lost on the way is for us to send again, since only we know what was answered.
        retry=Retry(NoBackoff(), retries=0, supported_errors=()),
        # Else redis-py 8.1 hands out connections that Redis has closed: redis/redis-py#4252.
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )
