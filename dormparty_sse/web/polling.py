"""The events for a client that cannot stream: one answer at a time."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from dormparty_sse.domain.events import EventType
from dormparty_sse.domain.models import Event, Fields
from dormparty_sse.web.peer import Peer

_TOGETHER_S = 0.01  # what one step tells comes as several events


class Poll:
    """A `Reader` that keeps what it is told for one answer."""

    def __init__(self, peer: Peer) -> None:
        self.waiting = 0
        self.stuck_s = 0.0
        self.address = peer.address
        self._peer = peer
        self._events: list[Event] = []
        self._is_due = asyncio.Event()
        self._gone: Callable[[], None] | None = None

    async def events(self, wait_s: float) -> list[Event]:
        """What it was told, as soon as there is something; nothing after `wait_s`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._is_due.wait()
            await asyncio.sleep(_TOGETHER_S)
        return self._events

    def end(self) -> None:
        """The request is over, with or without an answer."""
        if self._gone:
            self._gone()

    async def start(self, gone: Callable[[], None]) -> None:
        """Nothing is sent before the answer."""
        self._gone = gone

    def responds(self) -> bool:
        """Does the client still confirm what it is sent?"""
        return self._peer.responds()

    def tell(self, *events: Event) -> None:
        """Keeps what is worth an answer."""
        self._events += [event for event in events if _is_news(event)]
        if self._events:
            self._is_due.set()

    def ping(self) -> None:
        """There is nothing to send yet."""

    def finish(self, *, come_back: bool = False) -> None:  # noqa: ARG002  # a poll has its answer anyway
        """Nothing more will come."""
        self._is_due.set()

    def cut_off(self) -> None:
        """Nothing more will come."""
        self._is_due.set()


def answer(events: list[Event], last_event_id: str | None) -> dict[str, Any]:
    """The body of the answer: the events, and the id to ask from next."""
    for event in events:
        last_event_id = event.event_id or last_event_id
    return {"events": [_with_id(event) for event in events], "lastEventId": last_event_id}


def _with_id(event: Event) -> Fields:
    return {**event.data, "id": event.event_id} if event.event_id else event.data


def _is_news(event: Event) -> bool:
    """Who resumes knows that it is connected."""
    resumes = event.type == EventType.CONNECTED and event.event_id is None
    return not resumes and event.type != EventType.HEARTBEAT
