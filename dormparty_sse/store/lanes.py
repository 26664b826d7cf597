"""One connection to Redis, and the calls sent over it: many at once, each of which ends for sure."""

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import hiredis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import NoScriptError, RedisError, ResponseError

from dormparty_sse.domain.errors import StateAway, StateFault
from dormparty_sse.store.recovery import Recovery
from dormparty_sse.store.troubles import NO_CONNECTION, is_break, words

Argument = str | int | bytes


def pack(*command: Argument) -> bytes:
    """A command as Redis reads it."""
    packed: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]  # its stub allows one word only
    return packed


async def send(connection: AbstractConnection, *commands: bytes) -> None:
    """Sends packed commands. Raises what redis-py does, and OSError."""
    try:
        await connection.send_packed_command(commands, check_health=False)
    except RuntimeError as error:  # what uvloop says of a connection that has just been closed
        raise ConnectionError from error


class Script:
    """A Lua script, which Redis knows by its digest once it has seen the text."""

    __slots__ = ("digest", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Call:
    """One command on its way, and the answer to come."""

    __slots__ = ("answer", "command", "in_full")

    def __init__(
        self, command: bytes, answer: asyncio.Future[Any], in_full: Callable[[], bytes] | None
    ) -> None:
        """`in_full` makes the same command with the text of its script."""
        self.command = command
        self.answer = answer
        self.in_full = in_full

    def succeed(self, value: object) -> None:
        """Here is the answer, unless nobody waits for it any more."""
        if not self.answer.done():
            self.answer.set_result(value)

    def fail(self, error: StateAway | StateFault) -> None:
        """There will be no answer."""
        if not self.answer.done():
            self.answer.set_exception(error)


class _Owner(Protocol):
    """What a lane needs of the connections' owner."""

    recovery: Recovery
    connect_timeout_s: float
    command_timeout_s: float
    last_answer: float  #: When Redis last answered anybody, by the event loop's clock.

    def answered(self, latency_ms: float) -> None:
        """Redis has answered."""

    def failure(self, error: ResponseError) -> StateAway | StateFault:
        """What the caller is told of an error that Redis answered."""


class Lane:
    """One connection, made when first needed, and anew after each break."""

    def __init__(self, connection: AbstractConnection, owner: _Owner) -> None:
        self._connection = connection
        self._owner = owner
        self._made_after = -1  # so many outages

    async def serve(self, calls: deque[Call]) -> None:
        """Returns when each of the calls has its answer or its error.

        What had no answer when the connection broke is sent once more, over a new connection.
        """
        started = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._owner.command_timeout_s):
                await self._serve(calls)
        except (RedisError, OSError) as error:
            why = words(error) or NO_CONNECTION
            # Where Redis has answered others meanwhile, this connection alone is dead.
            if not (isinstance(error, TimeoutError) and self._owner.last_answer > started):
                self._owner.recovery.lost(why)
            for call in calls:
                call.fail(self._owner.recovery.away(why))
        finally:
            if calls:  # an answer may be on its way, and must reach nobody else
                await self.disconnect()

    async def disconnect(self) -> None:
        """Drops the connection; it is made anew with the next calls."""
        await self._connection.disconnect(nowait=True)

    async def _serve(self, calls: deque[Call]) -> None:
        await self._connect()
        try:
            await self._exchange(calls)
        except (RedisError, OSError) as error:
            if not is_break(error):
                raise
            await self.disconnect()
            await self._connect()
            await self._exchange(calls)

    async def _connect(self) -> None:
        connection, outages = self._connection, self._owner.recovery.outages
        if connection.is_connected and (outages > self._made_after or await connection.can_read()):
            await self.disconnect()  # it may lead to what Redis was before, or Redis has closed it
        if not connection.is_connected:
            self._made_after = outages
            async with asyncio.timeout(self._owner.connect_timeout_s):
                await connection.connect()  # type: ignore[no-untyped-call]  # redis-py leaves it unannotated

    async def _exchange(self, calls: deque[Call]) -> None:
        """Each of the calls leaves `calls` with its answer."""
        while calls:
            started = time.perf_counter()
            await send(self._connection, *(call.command for call in calls))
            for number in range(len(calls)):
                await self._read_answer(calls)
                if number == 0:
                    self._owner.answered((time.perf_counter() - started) * 1000)

    async def _read_answer(self, calls: deque[Call]) -> None:
        """The answer to the first call, which goes to the end if it is to be sent in full."""
        try:
            answer = await self._connection.read_response()
        except ResponseError as error:
            call = calls.popleft()
            if isinstance(error, NoScriptError) and call.in_full:
                call.command, call.in_full = call.in_full(), None
                calls.append(call)
            else:
                call.fail(self._owner.failure(error))
        else:
            calls.popleft().succeed(answer)
