"""The connection of one event stream.

A stream stays open for hours and mostly says nothing. So once the answer's head is sent, the connection is
taken over from aiohttp, whose request, response and tasks would be kept all that time: what is left is this
object. It needs no task, as it writes whenever there is something to tell.
"""

import asyncio
import time
from collections.abc import Callable

from aiohttp import HttpVersion11, web

from dormparty_sse.domain.models import Event
from dormparty_sse.web.peer import Peer
from dormparty_sse.web.sse import PING, come_back_soon, encode

_MOST_HEARD = 64 * 1024  # bytes; requests sent behind that of the stream
_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}


class Head(web.StreamResponse):
    """The answer, as far as aiohttp is concerned with it."""

    def __init__(self, request: web.Request) -> None:
        super().__init__(headers=_HEADERS)
        self.request = request
        self.force_close()
        if request.version >= HttpVersion11:
            self.enable_chunked_encoding()

    async def write_eof(self, data: bytes = b"") -> None:
        """There is an end only once the stream has one."""


class EventConnection(asyncio.Protocol):
    """A `Reader` that sends at once what it is told. What the client does not take waits in the transport."""

    __slots__ = (
        "_early",
        "_gone",
        "_head",
        "_heard",
        "_is_chunked",
        "_is_finished",
        "_is_quiet",
        "_over",
        "_peer",
        "_retry_ms",
        "_stuck_since",
        "_transport",
        "waiting",
    )

    def __init__(self, head: Head, peer: Peer, retry_ms: int, over: Callable[[], None]) -> None:
        """`retry_ms`: after which a client that lost the stream comes back, about.

        `over` is called when the connection is lost, if it was taken over.
        """
        self.waiting = 0
        self._peer = peer
        self._head = head
        self._retry_ms = retry_ms
        self._over = over
        self._early: list[bytes] = []  # what is to be sent first
        self._heard = 0  # bytes
        self._is_finished = False
        self._is_quiet = True  # has nothing been sent since the last ping?
        self._is_chunked = head.chunked
        self._stuck_since = 0.0
        self._transport: asyncio.Transport | None = None
        self._gone: Callable[[], None] | None = None

    @property
    def address(self) -> str:
        """Where the connection leads to."""
        return self._peer.address

    @property
    def stuck_s(self) -> float:
        """For how long something has been waiting."""
        return time.monotonic() - self._stuck_since if self.waiting else 0

    def responds(self) -> bool:
        """Does the client still confirm what it is sent?"""
        return self._peer.responds()

    async def start(self, gone: Callable[[], None]) -> None:
        """Sends the head of the answer, and whatever was told by then. Raises ConnectionError."""
        head = self._head
        await head.prepare(head.request)
        transport = head.request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError
        self._peer.hold_back_little()
        self._take_over(transport, head.request)
        self._gone = gone
        self._write(b"".join(self._early))
        transport.set_write_buffer_limits(high=0)  # not before: the head and this go out together
        del self._early, self._head  # the request may be forgotten
        if self._is_finished:
            self.finish()

    def _take_over(self, transport: asyncio.Transport, request: web.Request) -> None:
        aiohttps = request.protocol
        transport.set_protocol(self)
        aiohttps.transport = None  # else it would close it
        aiohttps.connection_lost(None)  # for aiohttp the connection is no more, which ends the request's task
        transport.resume_reading()  # aiohttp may have stopped, and then nobody would see the client go
        self._transport = transport

    # What the stream tells

    def tell(self, *events: Event) -> None:
        """Sends events, or keeps them until they can be sent."""
        self._write(b"".join(encode(event, self._retry_ms) for event in events))

    def ping(self) -> None:
        """Sends something that says nothing, unless something was sent since the last time."""
        if self._is_quiet and not self.waiting:
            self._write(PING)
        self._is_quiet = True

    def finish(self, *, come_back: bool = False) -> None:
        """Ends once everything is sent. `come_back`: the client is expected again at once."""
        self._is_finished = True
        if self._transport and self._transport.is_closing():
            return
        if come_back:
            self._write(come_back_soon(self._retry_ms))
        if self._transport:  # else `start` ends it
            if self._is_chunked:
                self._transport.write(b"0\r\n\r\n")
            self._transport.close()

    def cut_off(self) -> None:
        """Ends now."""
        self._is_finished = True
        if self._transport:
            self._transport.abort()

    def _write(self, data: bytes) -> None:
        self._is_quiet = False
        if not self._transport:
            self._early.append(data)
            return
        if self.waiting:
            self.waiting += 1
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._is_chunked else data)

    # What the transport tells

    def data_received(self, data: bytes) -> None:
        """A client that has its stream has nothing more to say; one that goes on is cut off."""
        self._heard += len(data)
        if self._heard > _MOST_HEARD:
            self.cut_off()

    def pause_writing(self) -> None:
        """The client does not take what was written last."""
        self.waiting = 1
        self._stuck_since = time.monotonic()

    def resume_writing(self) -> None:
        """The client has taken everything."""
        self.waiting = 0

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the signature is asyncio's
        """Whoever did it, the stream is over."""
        self._over()
        gone, self._gone = self._gone, None
        if gone:
            gone()
