"""A small application with streams like the real ones, and clients of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

from aiohttp import web

from dormparty_sse.dev.network import LOOPBACK, free_port
from dormparty_sse.domain.models import Event
from dormparty_sse.web.event_connection import EventConnection, Head
from dormparty_sse.web.peer import Peer
from tests.support.waiting import PATIENCE_S

GET = b"GET /events HTTP/1.1\r\nHost: here\r\n\r\n"
POST = b"POST /events HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\nsome body"
FIRST = Event(event_id="1-0", data={"type": "first"})
NEWS = Event(event_id="2-0", data={"type": "news"})


class EventServer:
    """A small application whose only stream handler is like the real one. At /over it ends at once."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.open: list[EventConnection] = []
        self.gone = 0  #: How many streams have ended.
        self.requests = 0

    async def events(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        assert request.transport
        head = Head(request)
        connection = EventConnection(head, Peer(request.transport), 1000, lambda: None)
        if request.path == "/over":
            connection.finish(come_back=True)
        else:
            connection.tell(FIRST)
        await connection.start(lambda: self._end(connection))
        self.open.append(connection)
        return head

    def _end(self, connection: EventConnection) -> None:
        self.gone += 1
        if connection in self.open:
            self.open.remove(connection)


@asynccontextmanager
async def serving() -> AsyncIterator[EventServer]:
    """It serves until the context ends."""
    server = EventServer(free_port())
    app = web.Application()
    app.router.add_get("/events", server.events)
    app.router.add_get("/over", server.events)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, server.port).start()
    try:
        yield server
    finally:
        for connection in tuple(server.open):
            connection.cut_off()
        await runner.cleanup()


@asynccontextmanager
async def client(
    server: EventServer, request: bytes = GET
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection over which these bytes were sent; broken when the context ends."""
    reader, writer = await asyncio.open_connection(LOOPBACK, server.port)
    writer.write(request)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def until(look: Callable[[], bool]) -> None:
    """Waits until it is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not look():
            await asyncio.sleep(0.005)


async def read_until(reader: asyncio.StreamReader, end: bytes) -> bytes:
    """What comes up to and with this."""
    async with asyncio.timeout(PATIENCE_S):
        return await reader.readuntil(end)


def transport_of(writer: asyncio.StreamWriter) -> asyncio.Transport:
    """What it writes to, and its reader reads from."""
    return cast(asyncio.Transport, writer.transport)
