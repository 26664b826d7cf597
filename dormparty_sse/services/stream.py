"""One open event stream: an ordered, bounded way from the log and the channel to one reader."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Protocol

import orjson

from dormparty_sse.domain.events import EventType
from dormparty_sse.domain.models import Commit, Event, Fields, UserRef
from dormparty_sse.domain.states import State
from dormparty_sse.services.views import Views


class Cause(StrEnum):
    """Why a stream has ended."""

    CLIENT = "client"  #: The client has closed it, or something on the way.
    SUPERSEDED = "superseded"  #: A newer stream of the user has begun.
    DRAINING = "draining"  #: This process stops.
    RENEWED = "renewed"  #: Redis has lost what it was told; the client comes back to a snapshot.
    SIGNED_OUT = "signed-out"  #: The user has signed out.
    SLOW = "slow"  #: Too many events waited for it.
    STUCK = "stuck"  #: It took nothing for too long.
    ANSWERED = "answered"  #: It was a poll, and is done.


class Reader(Protocol):
    """The other end of a stream."""

    @property
    def address(self) -> str:
        """Where its connection leads to: the browser's address, or a proxy's."""

    @property
    def waiting(self) -> int:
        """How much of what it was told it has not taken yet, in calls of `tell`."""

    @property
    def stuck_s(self) -> float:
        """For how long something has been waiting."""

    def responds(self) -> bool:
        """Does it still confirm what it is sent?"""

    async def start(self, gone: Callable[[], None]) -> None:
        """Begins to send, and calls `gone` once there is no connection any more. Raises ConnectionError."""

    def tell(self, *events: Event) -> None:
        """Sends events, or keeps them until they can be sent."""

    def ping(self) -> None:
        """Finds out whether something gets there: sends what says nothing, unless more was sent just now."""

    def finish(self, *, come_back: bool = False) -> None:
        """Ends once everything is sent. `come_back`: the client is expected again at once."""

    def cut_off(self) -> None:
        """Ends now."""


class Stream:
    """What one reader gets: each replayable event once, in order.

    Live events that arrive while the log is being read are put aside, and follow what the log had.
    """

    __slots__ = (
        "_aside",
        "_buffer",
        "_drain_after_ms",
        "_farewell",
        "_newest_generation",
        "_round",
        "_seq",
        "_views",
        "cause",
        "generation",
        "last_id",
        "last_queue_view",
        "reader",
        "user",
        "waiting",
    )

    def __init__(self, user: UserRef, views: Views, reader: Reader, *, buffer: int) -> None:
        """The reader is cut off once `buffer` live events are waiting for it."""
        self.user = user
        self.reader = reader
        self.generation = 0  #: Which of the user's streams this is; 0 until it has begun.
        self.cause: Cause | None = None  #: Why it is over, if it is.
        self.waiting = False  #: Is the user in the queue, as far as this stream has told?
        self.last_queue_view: dict[str, Any] | None = None
        self.last_id = "0-0"
        self._newest_generation = 0
        self._farewell: tuple[EventType, Cause] | None = None  # what ended it before it had begun
        self._drain_after_ms: int | None = None  # what was announced before that
        self._seq = 0  # of the newest transition told
        self._views = views
        self._buffer = buffer
        self._aside: list[Event] | None = []
        self._round = 0  # of reading the log; only the newest one's answer counts

    @property
    def is_open(self) -> bool:
        """Has it begun, and does it go on?"""
        return self.generation > 0 and not self.cause

    @property
    def is_alive(self) -> bool:
        """Does the reader take what it is sent, as far as one can see?"""
        return self.is_open and not self.reader.waiting and self.reader.responds()

    def begin(self, commit: Commit, last_event_id: str | None) -> None:
        """Starts with `connected` and the replay; `commit` is that of `Store.open_stream`."""
        fields = commit.fields
        self.generation = fields["generation"]
        if self.cause:  # it is over already
            return
        fresh = last_event_id is None or fields["resync"]
        self.last_id = fields["lastId"] if fresh else last_event_id or self.last_id
        snapshot = self._views.snapshot(commit, self.user)
        connected = {
            "type": EventType.CONNECTED,
            "timestamp": commit.now,
            **snapshot,
            "resync": fields["resync"],
        }
        self._note_state(connected)
        self.last_queue_view = self._views.waiting(fields)
        if fresh:
            self._seq = commit.seq
        # Its id is the place in the log from which a client that got no event yet will resume.
        self._read_log(fields, Event(event_id=self.last_id if fresh else None, data=connected))
        if self._drain_after_ms is not None:
            self.announce_drain(self._drain_after_ms)
        if self._farewell:
            self.close(*self._farewell)
        self.superseded_by(self._newest_generation)

    def superseded_by(self, generation: int) -> None:
        """The user's stream of this generation has begun, here or elsewhere. The newest wins."""
        self._newest_generation = max(self._newest_generation, generation)
        if 0 < self.generation < self._newest_generation:
            self.close(EventType.SUPERSEDED, Cause.SUPERSEDED)

    def put_aside(self) -> None:
        """From now on live events wait for the log to be read."""
        self._aside = self._aside or []
        self._round += 1

    @property
    def reading(self) -> int | None:
        """The number of the reading of the log that is due; None: none is."""
        return self._round if self.generation and self._aside is not None else None

    def catch_up(self, missed: Fields, reading: int) -> bool:
        """Goes on with what the log had, by `Store.catch_up`. False: it did not reach back."""
        if reading != self._round:  # the connection broke again; the next answer has this and more
            return True
        self.superseded_by(missed["generation"])
        if missed["resync"]:
            return False
        self._read_log(missed)
        return True

    def _read_log(self, fields: Fields, *before: Event) -> None:
        told, contradiction = list(before), False
        open_session = fields.get("openSession")
        for event_id, data in fields["events"]:
            event = Event(event_id=event_id, data=orjson.loads(data))
            if self._has_told(event):
                continue
            if contradiction := self._contradicts(event):
                break
            told.append(self._outgoing(event, over=event.data.get("sessionId") != open_session))
        if told:
            self.reader.tell(*told)  # at once: the log's length bounds them, not the buffer
        if contradiction:
            self.begin_anew()
        aside, self._aside = self._aside or [], None
        for event in aside:
            self.live(event)

    def live(self, event: Event) -> bool:
        """An event from the channel. Returns whether it was told now."""
        if self._aside is not None:
            self._aside.append(event)
        elif self._has_told(event):
            return False
        elif self._contradicts(event):
            self.begin_anew()
        elif self.reader.waiting >= self._buffer:
            self.cut_off(Cause.SLOW)
        else:
            self.reader.tell(self._outgoing(event, over=False))
            return True
        return False

    def momentary(self, event: Event) -> bool:
        """An event without an id. False: a slow reader misses it, or one that has not begun: no loss."""
        if not self.is_open or self.reader.waiting:
            return False
        self.reader.tell(event)
        return True

    def begin_anew(self) -> None:
        """Has the client come back at once, to a snapshot of what is so now."""
        self.close(EventType.DRAINING, Cause.RENEWED)

    def announce_drain(self, after_ms: int) -> None:
        """Asks the client to come back after so long, to another process. Until then all goes on."""
        if self.is_open:
            self.reader.tell(self._views.momentary(EventType.DRAINING, reconnectInMs=after_ms))
        else:
            self._drain_after_ms = after_ms

    def release(self, cause: Cause) -> None:
        """Ends the stream without a word. The client is expected again at once."""
        if not self.cause:
            self.cause = cause
            self.reader.finish(come_back=True)

    def cut_off(self, cause: Cause) -> None:
        """Drops the reader. It loses nothing, since it can resume from the last event it got."""
        self.cause = self.cause or cause
        self.reader.cut_off()

    def close(self, farewell: EventType, cause: Cause) -> None:
        """Ends the stream with `farewell` as its last event."""
        if not self.generation:
            self._farewell = farewell, cause
        elif not self.cause:
            self.cause = cause
            self.reader.tell(self._views.momentary(farewell))
            self.reader.finish()

    def _has_told(self, event: Event) -> bool:
        """Also once the stream is over: then nothing more is to be told."""
        return bool(self.cause) or not event.event_id or _order(event.event_id) <= _order(self.last_id)

    def _contradicts(self, event: Event) -> bool:
        """Has Redis lost what this reader was told?"""
        return int(event.data.get("seq", self._seq + 1)) <= self._seq

    def _outgoing(self, event: Event, *, over: bool) -> Event:
        """The event as the reader gets it, which is told with this."""
        self.last_id = event.event_id or self.last_id
        self._seq = event.data.get("seq", self._seq)
        self._note_state(event.data)
        return self._views.event(event, self.user, over=over)

    def _note_state(self, data: Fields) -> None:
        if state := data.get("state"):
            self.waiting = state == State.WAITING
            self.last_queue_view = None


def _order(event_id: str) -> tuple[int, int]:
    ms, _, number = event_id.partition("-")
    return int(ms), int(number)
