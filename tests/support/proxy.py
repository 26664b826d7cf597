"""A proxy before a server: it makes the way there slow, breaks it or shuts it, while the server serves on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from dormparty_sse.dev.network import LOOPBACK, free_port

_CHUNK = 65_536
_CHUNKS_ON_THE_WAY = 64  # more are taken only when these have arrived

_Line = asyncio.Queue[tuple[float, bytes]]  # (when it is to arrive, data); no data: the end


class Direction(StrEnum):
    """Which way bytes go."""

    UP = "up"  #: From the client to the server.
    DOWN = "down"


class _Cut(Exception):
    """The connection ends here."""


@dataclass(slots=True)
class _Connection:
    loses_answer: bool = False


class Proxy:
    """The way to a server on this machine. It is shut until it is opened."""

    def __init__(self) -> None:
        self.port = free_port()
        self.latency_s = 0.0  #: How much later all bytes arrive, each way.
        self.cuts = 0  #: How many connections the faults below have cut.
        self._target = 0
        self._server: asyncio.Server | None = None
        self._ways: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._to_pass: dict[Direction, int] = {}  # bytes until the next cut
        self._random: tuple[Random, int] | None = None
        self._answers_to_lose = (0, b"")

    @property
    def url(self) -> str:
        """Where the server, if it speaks HTTP, is found behind this proxy."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def redis_url(self) -> str:
        """Where the server, if it is a Redis, is found behind this proxy."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    async def open(self, target: int = 0) -> None:
        """Lets everything through, to the server's port. No fault set before goes on."""
        self._target = target or self._target
        self.latency_s = 0.0
        self._to_pass, self._random, self._answers_to_lose = {}, None, (0, b"")
        self._flows.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._pass, LOOPBACK, self.port)

    async def shut(self) -> None:
        """Cuts what is connected, and refuses what comes."""
        if self._server:
            self._server.close()
            self._server = None
        await self.cut()

    async def cut(self) -> None:
        """Cuts what is connected; new connections are welcome."""
        ways = tuple(self._ways)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)

    def hold(self) -> None:
        """Takes connections and bytes, and forwards none. When it opens again, they arrive late."""
        self._flows.clear()

    def cut_after(self, *, up: int | None = None, down: int | None = None) -> None:
        """Lets so many more bytes pass that way, over all connections; cuts the one that carried the last.

        With 0, the next bytes that come are not forwarded.
        """
        limits = {Direction.UP: up, Direction.DOWN: down}
        self._to_pass = {direction: limit for direction, limit in limits.items() if limit is not None}

    def cut_at_random(self, seed: int, within: int) -> None:
        """Until it is opened again, cuts after fewer than so many bytes, then again; where, the seed says."""
        self._random = Random(seed), within  # noqa: S311  # to be repeated, not to be secret
        self._draw_cut()

    def lose_answers(self, count: int, to: bytes = b"") -> None:
        """The next requests reach the server, but their connection is cut right before the answer.

        `to`: only requests that contain it count, such as EVALSHA. What comes at once is one request.
        """
        self._answers_to_lose = count, to

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        way = asyncio.current_task()
        assert way
        self._ways.add(way)
        onward: asyncio.StreamWriter | None = None
        try:
            back, onward = await asyncio.open_connection(LOOPBACK, self._target)
            await self._carry(reader, writer, back, onward)
        except (OSError, asyncio.CancelledError):
            pass  # the server is away, or the way was cut
        finally:
            self._ways.discard(way)
            for end in (writer, onward):
                if end:
                    end.transport.abort()

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        back: asyncio.StreamReader,
        onward: asyncio.StreamWriter,
    ) -> None:
        connection = _Connection()
        try:
            async with asyncio.TaskGroup() as tasks:
                up, down = (Direction.UP, reader, onward), (Direction.DOWN, back, writer)
                for direction, source, sink in (up, down):
                    line: _Line = asyncio.Queue(_CHUNKS_ON_THE_WAY)
                    tasks.create_task(self._take(source, line))
                    tasks.create_task(self._give(line, sink, direction, connection))
        except* _Cut:
            self.cuts += 1
        except* OSError:
            pass  # an end went away

    async def _take(self, source: asyncio.StreamReader, line: _Line) -> None:
        data = b"-"
        while data:
            try:
                data = await source.read(_CHUNK)
            except ConnectionError:
                data = b""
            await line.put((asyncio.get_running_loop().time() + self.latency_s, data))

    async def _give(
        self, line: _Line, sink: asyncio.StreamWriter, direction: Direction, connection: _Connection
    ) -> None:
        sink.transport.set_write_buffer_limits(0)  # so that all has left once it is drained
        while True:
            arrival, data = await line.get()
            await asyncio.sleep(max(0.0, arrival - asyncio.get_running_loop().time()))
            await self._flows.wait()
            if not data:
                sink.write_eof()
                return
            passing = self._before_cut(data, direction, connection)
            sink.write(data if passing is None else data[:passing])
            await sink.drain()
            if passing is not None:
                raise _Cut

    def _before_cut(self, data: bytes, direction: Direction, connection: _Connection) -> int | None:
        """How many of these bytes pass before the connection is cut; None: all, and it is not cut."""
        if self._loses_answer(data, direction, connection):
            return 0
        if direction not in self._to_pass:
            return None
        to_pass = self._to_pass[direction]
        if len(data) < to_pass:
            self._to_pass[direction] -= len(data)
            return None
        self._draw_cut()
        return to_pass

    def _loses_answer(self, data: bytes, direction: Direction, connection: _Connection) -> bool:
        count, to = self._answers_to_lose
        if direction is Direction.UP and count and to in data:
            self._answers_to_lose = count - 1, to
            connection.loses_answer = True
        return direction is Direction.DOWN and connection.loses_answer

    def _draw_cut(self) -> None:
        self._to_pass = {}
        if self._random:
            random, within = self._random
            self._to_pass[random.choice(list(Direction))] = random.randrange(within)


@asynccontextmanager
async def proxy() -> AsyncIterator[Proxy]:
    """A proxy, shut until it is opened."""
    way = Proxy()
    try:
        yield way
    finally:
        await way.shut()
