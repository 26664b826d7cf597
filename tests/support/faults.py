"""Faults: a server that hangs, a way that is cut, and what the service says then."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from dormparty_sse.dev.network import LOOPBACK, free_port
from dormparty_sse.dev.server import Server
from tests.support.stack import Stack
from tests.support.waiting import eventually


@contextmanager
def held_still(server: Server) -> Iterator[None]:
    """The server takes connections and answers none, until the context ends."""
    pid = server.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def readiness(stack: Stack) -> tuple[int, dict[str, Any]]:
    """(status, answer) of `readyz`."""
    async with stack.http.get(f"{stack.url}/readyz") as answer:
        return answer.status, await answer.json()


async def is_ready(stack: Stack) -> None:
    """Waits until the service says that it is ready."""

    async def ready() -> bool:
        return (await readiness(stack))[0] == 200

    await eventually(ready, what="readyz")


async def misses(stack: Stack, part: str) -> dict[str, Any]:
    """Waits until `readyz` says that this part is down; its answer."""

    async def look() -> dict[str, Any] | None:
        status, answer = await readiness(stack)
        return answer if status == 503 and answer[part]["state"] == "down" else None

    answer = await eventually(look, what=f"readyz without {part}")
    assert answer
    return answer


class Gate:
    """The way to a server, which can be shut while the server goes on serving everybody else."""

    def __init__(self) -> None:
        self.port = free_port()
        self._target = 0
        self._server: asyncio.Server | None = None
        self._ways: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where the server, if it speaks HTTP, is found behind this gate."""
        return f"http://{LOOPBACK}:{self.port}"

    async def open(self, target: int = 0) -> None:
        """Lets connections through, to the server's port."""
        self._target = target or self._target
        self._server = await asyncio.start_server(self._pass, LOOPBACK, self.port)

    async def shut(self) -> None:
        """Cuts what is connected, and refuses what comes."""
        if self._server:
            self._server.close()
        for way in self._ways:
            way.cancel()
        await asyncio.gather(*self._ways, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        way = asyncio.current_task()
        assert way
        self._ways.add(way)
        onward: asyncio.StreamWriter | None = None
        try:
            back, onward = await asyncio.open_connection(LOOPBACK, self._target)
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(reader, onward))
                both.create_task(_pump(back, writer))
        except asyncio.CancelledError:
            pass  # cut
        finally:
            self._ways.discard(way)
            for end in (writer, onward):
                if end:
                    end.transport.abort()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
    with suppress(OSError):  # it is gone already
        sink.write_eof()


@asynccontextmanager
async def gate() -> AsyncIterator[Gate]:
    """A gate, shut until it is opened."""
    way = Gate()
    try:
        yield way
    finally:
        await way.shut()
