"""Services that only pretend, for what stands before them: they answer as a test says."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from dormparty_sse.dev.network import LOOPBACK, free_port

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Services:
    """Two processes that answer as a test says, and keep what they were asked."""

    def __init__(self) -> None:
        self.ports = (free_port(), free_port())
        self.asked: list[web.BaseRequest] = []
        self.first: Handler = self.fine
        self.second: Handler = self.fine
        self._runners: dict[int, web.ServerRunner] = {}

    async def fine(self, _request: web.BaseRequest) -> web.Response:
        """An answer."""
        return web.Response(text="fine")

    async def drop(self, request: web.BaseRequest) -> web.Response:
        """No answer: what was asked may have been done, but the process dies."""
        assert request.transport
        request.transport.abort()
        return web.Response()

    async def busy(self, _request: web.BaseRequest) -> web.Response:
        """A process that stops, or whose Redis is away."""
        return web.Response(status=503, text="busy")

    async def start(self, number: int) -> None:
        """Starts one of the two."""
        runner = web.ServerRunner(web.Server(self._answering(number), access_log=None))
        await runner.setup()
        await web.TCPSite(runner, LOOPBACK, self.ports[number]).start()
        self._runners[number] = runner

    async def stop(self, number: int) -> None:
        """Stops one of the two."""
        await self._runners[number].cleanup()

    def _answering(self, number: int) -> Handler:
        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            self.asked.append(request)
            await request.read()
            return await (self.first, self.second)[number](request)

        return answer


@dataclass(frozen=True, slots=True)
class Framing:
    """How an answer of unknown length is sent."""

    header: bytes
    frame: Callable[[bytes], bytes]


FRAMINGS = {
    "chunked": Framing(b"Transfer-Encoding: chunked", lambda data: b"%x\r\n%s\r\n" % (len(data), data)),
    "until-closed": Framing(b"Connection: close", lambda data: data),
}


class StreamService:
    """Sends on its one stream what a test gives it."""

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._writer: asyncio.StreamWriter
        self.closed = asyncio.Event()  #: By the other end.

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + self._framing.header
        writer.write(head + b"\r\n\r\n")
        self._writer = writer
        await reader.read()
        self.closed.set()
        writer.close()

    def send(self, data: bytes) -> None:
        self._writer.write(self._framing.frame(data))
