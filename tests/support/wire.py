"""A raw HTTP client: sends the bytes it is given, many requests behind one another, and reads the answers."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from dormparty_sse.dev.network import LOOPBACK

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_TYPE = re.compile(rb"\r\ncontent-type: *([^;\r]*)", re.IGNORECASE)
_REQUEST_ID = re.compile(rb"\r\nx-request-id: *([^\r]*)", re.IGNORECASE)
_NO_BODY = (204, 304)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    head: bytes  #: From the status line to the empty line, both included.
    body: bytes

    @property
    def content_type(self) -> str:
        """Without parameters; empty if there is none."""
        found = _TYPE.search(self.head)
        return found[1].decode().strip() if found else ""

    @property
    def request_id(self) -> str:
        """Of the header; empty if there is none."""
        found = _REQUEST_ID.search(self.head)
        return found[1].decode() if found else ""

    def json(self) -> Any:
        """The body, which must be JSON."""
        return orjson.loads(self.body)


class Wire:
    """One connection. All waiting is bounded."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, timeout_s: float) -> None:
        self._reader = reader
        self._writer = writer
        self._timeout_s = timeout_s

    async def exchange(self, requests: Sequence[bytes]) -> list[Answer]:
        """Sends all at once; the answers, one for each, or fewer if the connection was closed by then."""
        answers: list[Answer] = []
        with suppress(asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            async with asyncio.timeout(self._timeout_s):
                self._writer.write(b"".join(requests))
                for sent in requests:
                    answers.append(await self._answer(has_body=not sent.startswith(b"HEAD ")))  # noqa: PERF401
        return answers

    async def last(self, request: bytes) -> list[Answer]:
        """Sends one that the service must end the connection after; every answer until then.

        Raises TimeoutError if it does not.
        """
        answers = []
        async with asyncio.timeout(self._timeout_s):
            self._writer.write(request)
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    answers.append(await self._answer(has_body=True))
        return answers

    async def _answer(self, *, has_body: bool) -> Answer:
        head = await self._reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        length = _LENGTH.search(head)
        size = int(length[1]) if length and has_body and status not in _NO_BODY else 0
        return Answer(status=status, head=head, body=await self._reader.readexactly(size) if size else b"")


@asynccontextmanager
async def wire(url: str, *, sender: str = LOOPBACK, timeout_s: float = 20) -> AsyncIterator[Wire]:
    """A connection to the host of `url`, from an address of this machine."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port, local_addr=(sender, 0))
    try:
        yield Wire(reader, writer, timeout_s)
    finally:
        writer.transport.abort()
