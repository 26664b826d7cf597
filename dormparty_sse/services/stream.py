"""One open event stream: an ordered, bounded way from the log and the channel to one reader."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import orjson

from dormparty_sse.domain.events import EventType
from dormparty_sse.domain.models import Commit, Event, UserRef
from dormparty_sse.domain.states import State
from dormparty_sse.services.views import Views


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """The other end of a stream."""

    address: str  #: Where its connection leads to: the browser's address, or a proxy's.
    responds: Callable[[], bool]  #: Does it still confirm what it is sent?
    cut_off: Callable[[], None]  #: Drops the connection.


class Stream:
    """What one reader gets: each replayable event once, in order.

    Live events that arrive while the log is being read are put aside, and follow what the log had.
    """

    def __init__(self, user: UserRef, views: Views, reader: Reader, *, buffer: int) -> None:
        """The reader is cut off once `buffer` live events are waiting for it."""
        self.user = user
        self.reader = reader
        self.generation = 0  #: Which of the user's streams this is; 0 until it has begun.
        self._newest_generation = 0
        self.waiting = False  #: Is the user in the queue, as far as this stream has told?
        self.last_queue_view: dict[str, Any] | None = None
        self.last_id = "0-0"
        self._seq = 0  # of the newest transition told
        self._views = views
        self._buffer = buffer
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._replayed = 0  # of those waiting; the log's length bounds them, not the buffer
        self._aside: list[Event] | None = []
        self._round = 0  # of reading the log; only the newest one's answer counts
        self._closing = False

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._read()

    async def _read(self) -> AsyncIterator[Event]:
        while (event := await self._events.get()) is not None:
            self._replayed = max(0, self._replayed - 1)
            yield event

    @property
    def stuck(self) -> bool:
        """Is something waiting that the reader does not take?"""
        return not self._events.empty()

    @property
    def is_alive(self) -> bool:
        """Does the reader take what it is sent, as far as one can see?"""
        return not self.stuck and self.reader.responds()

    @property
    def is_open(self) -> bool:
        """Has it begun, and is it for the client to end it?"""
        return self.generation > 0 and not self._closing

    def begin(self, commit: Commit, last_event_id: str | None) -> None:
        """Starts with `connected` and the replay; `commit` is that of `Store.open_stream`."""
        fields = commit.fields
        self.generation = fields["generation"]
        fresh = last_event_id is None or fields["resync"]
        self.last_id = fields["lastId"] if fresh else last_event_id or self.last_id
        snapshot = self._views.snapshot(commit, self.user)
        connected = {
            "type": EventType.CONNECTED,
            "timestamp": commit.now,
            **snapshot,
            "resync": fields["resync"],
        }
        # Its id is the place in the log from which a client that got no event yet will resume.
        self._offer(Event(event_id=self.last_id if fresh else None, data=connected))
        if fresh:
            self._seq = commit.seq
        self.last_queue_view = self._views.waiting(fields)
        self._catch_up(commit)
        self.superseded_by(self._newest_generation)

    def superseded_by(self, generation: int) -> None:
        """The user's stream of this generation has begun, here or elsewhere. The newest wins."""
        self._newest_generation = max(self._newest_generation, generation)
        if 0 < self.generation < self._newest_generation:
            self.close(EventType.SUPERSEDED)

    def put_aside(self) -> int:
        """From now on live events wait for the log to be read. Returns the number of this reading."""
        self._aside = self._aside or []
        self._round += 1
        return self._round

    def catch_up(self, commit: Commit, reading: int) -> bool:
        """Goes on with what the log had, by `Store.catch_up`. False: it did not reach back."""
        if reading != self._round:  # the connection broke again; the next answer has this and more
            return True
        self.superseded_by(commit.fields["generation"])
        if commit.fields["resync"]:
            return False
        self._catch_up(commit)
        return True

    def _catch_up(self, commit: Commit) -> None:
        open_session = commit.fields.get("openSession")
        for event_id, data in commit.fields["events"]:
            event = Event(event_id=event_id, data=orjson.loads(data))
            self._forward(event, over=event.data.get("sessionId") != open_session, replayed=1)
        aside, self._aside = self._aside or [], None
        for event in aside:
            self._forward(event, over=False)

    def live(self, event: Event) -> None:
        """An event from the channel."""
        if self._aside is not None:
            self._aside.append(event)
        else:
            self._forward(event, over=False)

    def momentary(self, event: Event) -> bool:
        """An event without an id. False: a slow reader misses it, or one that has not begun: no loss."""
        if self.stuck or not self.generation:
            return False
        self._offer(event)
        return True

    def begin_anew(self) -> None:
        """Has the client come back at once, to a snapshot of what is so now."""
        self.close(EventType.DRAINING)

    def close(self, farewell: EventType) -> None:
        """Ends the stream with `farewell` as its last event."""
        if not self._closing:
            self._offer(self._views.momentary(farewell))
            self._end()

    def _forward(self, event: Event, *, over: bool, replayed: int = 0) -> None:
        if self._closing or event.event_id is None or _order(event.event_id) <= _order(self.last_id):
            return
        if (seq := event.data.get("seq")) is not None:
            if seq <= self._seq:  # Redis has lost what this reader was told
                self.begin_anew()
                return
            self._seq = seq
        self.last_id = event.event_id
        self._replayed += replayed
        self._offer(self._views.event(event, self.user, over=over))

    def _offer(self, event: Event) -> None:
        if self._closing:
            return
        if state := event.data.get("state"):
            self.waiting = state == State.WAITING
            self.last_queue_view = None
        if self._events.qsize() - self._replayed >= self._buffer and event.event_id is not None:
            self._end()
            self.reader.cut_off()  # it loses nothing, since it can resume from the last event it got
            return
        self._events.put_nowait(event)

    def _end(self) -> None:
        self._closing = True
        self._events.put_nowait(None)


def _order(event_id: str) -> tuple[int, int]:
    ms, _, number = event_id.partition("-")
    return int(ms), int(number)
