"""Slowloris: connections that keep a server waiting, with a byte now and then, or by taking nothing."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import cast
from urllib.parse import urlsplit

_BYTE_EVERY_S = 2
_AT_ONCE = 100  # connections being made
_ADDRESSES = 20  # of this machine, from which they come
_AGAIN_S = 0.1
_TURNS = 200  # within the time between two bytes, so that not all send at once


class _Slow(asyncio.Protocol):
    """One connection: sends a beginning, then the same byte again and again, and waits for no answer."""

    def __init__(self, beginning: bytes, byte: bytes, turn: int) -> None:
        self.over = asyncio.get_running_loop().create_future()
        self._beginning = beginning
        self._byte = byte
        self._first_s = turn % _TURNS / _TURNS * _BYTE_EVERY_S
        self._next: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        transport.write(self._beginning)
        if self._byte:
            self._next = asyncio.get_running_loop().call_later(self._first_s, self._drip, transport)
        else:
            transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the signature is asyncio's
        if self._next:
            self._next.cancel()
        if not self.over.done():
            self.over.set_result(None)

    def _drip(self, transport: asyncio.Transport) -> None:
        transport.write(self._byte)
        self._next = asyncio.get_running_loop().call_later(_BYTE_EVERY_S, self._drip, transport)


class SlowClients:
    """All of them. Who is cut off comes back if it `comes_back`."""

    def __init__(self, url: str, *, comes_back: bool) -> None:
        place = urlsplit(url)
        self.open = 0  #: Connections now.
        self.cut_off = 0  #: Connections that the service has ended.
        self.refused = 0  #: Connections that could not be made.
        self._host, self._port = place.hostname or "", place.port or 80
        self._comes_back = comes_back
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def beginnings(self, count: int, tokens: Sequence[str]) -> list[tuple[bytes, bytes]]:
        """What each sends first, and then: for each token a stream, else half a head or half a body."""
        host = f"Host: {self._host}:{self._port}\r\n"
        streams = [
            (
                f"GET /api/matching/events HTTP/1.1\r\n{host}Authorization: Bearer {token}\r\n\r\n".encode(),
                b"",
            )
            for token in tokens
        ]
        head = f"GET / HTTP/1.1\r\n{host}X-Slow: ".encode(), b"x"
        body = f"POST /api/session HTTP/1.1\r\n{host}Content-Length: 10000\r\n\r\n".encode(), b" "
        return [*streams, *((head, body)[number % 2] for number in range(count - len(tokens)))]

    async def be_slow(self, number: int, beginning: bytes, byte: bytes) -> None:
        """One of them, for as long as it is let."""
        loop = asyncio.get_running_loop()
        sender = (f"127.0.1.{number % _ADDRESSES + 1}", 0)
        while True:
            try:
                async with self._turns:
                    transport, slow = await loop.create_connection(
                        lambda: _Slow(beginning, byte, number), self._host, self._port, local_addr=sender
                    )
            except OSError:
                self.refused += 1
            else:
                self.open += 1
                try:
                    await slow.over
                finally:
                    self.open -= 1
                    transport.abort()
                self.cut_off += 1
            if not self._comes_back:
                return
            await asyncio.sleep(_AGAIN_S)


@asynccontextmanager
async def slow_clients(
    url: str, count: int, tokens: Sequence[str] = (), *, comes_back: bool
) -> AsyncIterator[SlowClients]:
    """So many until the context ends, from several addresses. Each has tried to connect when it begins."""
    clients = SlowClients(url, comes_back=comes_back)
    tasks = [
        asyncio.create_task(clients.be_slow(number, *beginning))
        for number, beginning in enumerate(clients.beginnings(count, tokens))
    ]
    try:
        while clients.open + clients.cut_off + clients.refused < count:
            await asyncio.sleep(0.02)
        yield clients
    finally:
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
