"""A light EventSource of which there may be hundreds: it comes back by itself, and may be cut at any byte."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator

import aiohttp

from tests.support.person import Event

_RETRY_MS = 1_000  # until a stream has named another
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=3, sock_read=15)
_OK = 200


class EventParser:
    """The events in a stream of bytes, however it is divided (the HTML standard, section 9.2)."""

    def __init__(self) -> None:
        self.retry_ms: int | None = None  #: As named last.
        self._line = b""
        self._id: str | None = None
        self._data: bytes | None = None

    @property
    def is_torn(self) -> bool:
        """Would an event be lost if the stream ended here?"""
        return bool(self._line) or self._id is not None or self._data is not None

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events that are complete with these bytes: their JSON, with `id` added where they have one."""
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            field, _, value = line.partition(b": ")
            if field == b"retry":
                self.retry_ms = int(value)
            elif field == b"id":
                self._id = value.decode()
            elif field == b"data":
                self._data = value
            elif not line:
                yield from self._event()

    def _event(self) -> Iterator[Event]:
        event_id, data = self._id, self._data
        self._id = self._data = None
        if data is not None:
            yield json.loads(data) | ({"id": event_id} if event_id is not None else {})


class EventSource:
    """One user's stream, over any number of connections."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        headers: dict[str, str],
        where: Callable[[], str],
        *,
        bytes_until_cut: Callable[[], int | None] | None = None,
    ) -> None:
        """`where`: the service's URL. It and `bytes_until_cut` are asked anew for each connection."""
        self.events: list[Event] = []  #: Everything that came, in order.
        #: Connections `opened`, `resumed`, `replayed` (something), `torn` (within an event), `cut` (here).
        self.counts: Counter[str] = Counter()
        self.refused: Counter[int] = Counter()  #: Other answers than a stream, by status.
        self.broken: list[Exception] = []  #: What connections ended with, if not properly.
        self._http = http
        self._headers = headers
        self._where = where
        self._bytes_until_cut = bytes_until_cut
        self._retry_ms = _RETRY_MS
        self._last_event_id: str | None = None
        self._answer: aiohttp.ClientResponse | None = None

    @property
    def is_open(self) -> bool:
        """Is there a stream now?"""
        return self._answer is not None

    @property
    def state(self) -> tuple[str, int]:
        """The newest (state, seq) that it was told."""
        for event in reversed(self.events):
            if "seq" in event:
                return event["state"], event["seq"]
        return "", 0

    async def follow(self) -> None:
        """Reads, for ever; comes back after as long as `retry` says, also after an error answer."""
        while True:
            try:
                await self._read()
            except (aiohttp.ClientError, OSError) as error:
                self.broken.append(error)
            await asyncio.sleep(self._retry_ms / 1000)

    def hang_up(self) -> bool:
        """Cuts the connection now, if there is one."""
        if self._answer and self._answer.connection and self._answer.connection.transport:
            self._answer.connection.transport.abort()
            return True
        return False

    async def _read(self) -> None:
        headers = dict(self._headers)
        if self._last_event_id is not None:
            headers["Last-Event-ID"] = self._last_event_id
        url = f"{self._where()}/api/matching/events"
        async with self._http.get(url, headers=headers, timeout=_TIMEOUT) as answer:
            if answer.status != _OK:
                self.refused[answer.status] += 1
                return
            self._answer = answer
            before = len(self.events)
            parser = EventParser()
            try:
                await self._read_events(answer, parser)
            finally:
                self._answer = None
                self._count(self.events[before:])
                self.counts["torn"] += parser.is_torn

    async def _read_events(self, answer: aiohttp.ClientResponse, parser: EventParser) -> None:
        left = self._bytes_until_cut() if self._bytes_until_cut else None
        async for data in answer.content.iter_any():
            for event in parser.feed(data[:left]):
                self.events.append(event)
                self._last_event_id = event.get("id", self._last_event_id)
            self._retry_ms = parser.retry_ms if parser.retry_ms is not None else self._retry_ms
            if left is not None and (left := left - len(data)) <= 0:
                self.counts["cut"] += 1
                self.hang_up()
                return

    def _count(self, events: list[Event]) -> None:
        self.counts["opened"] += 1
        if events and "id" not in (connected := events[0]):
            older = (event for event in events[1:] if event["timestamp"] < connected["timestamp"])
            self.counts["resumed"] += 1
            self.counts["replayed"] += any("id" in event for event in older)
