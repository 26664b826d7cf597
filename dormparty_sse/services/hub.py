"""The hub: all streams of this process, fed from Redis's channels and from the users' logs.

A stream subscribes first, then reads the log, then goes live, so nothing falls between. After a break of the
connection every stream reads the log again from where it stood.
"""

import asyncio
from functools import partial
from random import uniform

import orjson
import structlog

from dormparty_sse.domain.clock import Clock
from dormparty_sse.domain.errors import StateAway
from dormparty_sse.domain.events import EventType
from dormparty_sse.domain.models import Commit, Event, UserRef
from dormparty_sse.services.catch_up import CatchUp
from dormparty_sse.services.hangups import Hangups, Opened
from dormparty_sse.services.metrics import Metrics, Start
from dormparty_sse.services.stream import Cause, Reader, Stream
from dormparty_sse.services.tasks import Tasks
from dormparty_sse.services.views import Views
from dormparty_sse.store.channels import Channels
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.keys import pool_key
from dormparty_sse.store.store import Store

log = structlog.get_logger()

_ANNOUNCED_AT_ONCE = 100  # streams; then everything else has its turn
_LAST_WORDS_S = 0.5  # to take the last events before one is cut off
_LOOK_S = 0.05  # between looks whether all have ended
_SIGNED_OUT = "-"  # what scripts tell the streams of a user whose tokens are void from now on
_BEGIN_ANEW = "?"  # what scripts tell the streams of a user whom they remove, or have not known


class Hub:
    """All streams of this process."""

    def __init__(
        self,
        connection: Connection,
        store: Store,
        views: Views,
        hangups: Hangups,
        metrics: Metrics,
        clock: Clock,
        tasks: Tasks,
        *,
        buffer: int,
    ) -> None:
        self.lost_pools: set[str] = set()  #: Where Redis has lost users, since somebody emptied this set.
        self._recovery = connection.recovery
        self._channels = Channels(connection)
        self._store = store
        self._views = views
        self._hangups = hangups
        self._catch_up = CatchUp(store, connection.recovery, tasks, self._delivered)
        self._metrics = metrics
        self._clock = clock
        self._buffer = buffer
        self._streams: dict[str, tuple[Stream, ...]] = {}  # by channel
        self.is_draining = False  #: Does this process stop?
        self._recovery.needed_while(lambda: bool(self._streams))

    @property
    def streams(self) -> list[Stream]:
        """The streams open now."""
        return [stream for streams in self._streams.values() for stream in streams]

    async def listen(self) -> None:
        """Feeds the streams, for ever."""
        await self._channels.listen(self)

    # A stream's life

    async def open(self, user: UserRef, last_event_id: str | None, reader: Reader) -> Stream:
        """Begins the user's stream to this reader. Raises StateAway, ConnectionError."""
        channel = pool_key(user.pool, "events", user.user_id)
        stream = Stream(user, self._views, reader, buffer=self._buffer)
        self._streams[channel] = (*self._streams.get(channel, ()), stream)
        opened = self._hangups.opened(reader.address)
        gone = partial(self._gone, channel, stream, opened)
        try:
            commit = await self._read(channel, user, last_event_id)
            self._metrics.stream_opened(_start(commit, last_event_id), len(commit.fields["events"]))
            stream.begin(commit, last_event_id)
            await reader.start(gone)  # before that it may be over: then `gone` counts its end
        except BaseException:
            gone()
            raise
        return stream

    async def _read(self, channel: str, user: UserRef, last_event_id: str | None) -> Commit:
        """What the stream begins with: nothing falls between it and the channel's next message."""
        while True:
            if self.is_draining:
                raise StateAway("This process is stopping; connect again.")
            await self._channels.subscribe(channel)
            breaks = self._channels.breaks
            commit = await self._store.open_stream(user, last_event_id)
            if breaks == self._channels.breaks:
                return commit

    def _gone(self, channel: str, stream: Stream, opened: Opened) -> None:
        """The reader is no longer there, or never was."""
        self._hangups.closed(opened)
        self._forget(channel, stream)
        if not stream.generation:
            return
        if not stream.cause:
            stream.cause = Cause.DRAINING if self.is_draining else Cause.CLIENT
        if stream.cause is Cause.CLIENT:
            self._hangups.hung_up(opened, stream.user, stream.generation)
        self._metrics.stream_closed(stream.cause)
        log.info("stream_closed", user_id=stream.user.user_id, cause=stream.cause)

    def _forget(self, channel: str, stream: Stream) -> None:
        if others := tuple(other for other in self._streams[channel] if other is not stream):
            self._streams[channel] = others
        else:
            del self._streams[channel]
            self._channels.unsubscribe(channel)

    async def drain(self, spread_s: float) -> None:
        """Asks all clients to come back to another process, each at a moment of the next `spread_s`.

        Until then their streams go on; no new one begins. Returns when all have ended.
        """
        self.is_draining = True
        loop = asyncio.get_running_loop()
        deadline = loop.time() + spread_s + _LAST_WORDS_S
        for number, stream in enumerate(self.streams, 1):
            after_s = uniform(0, spread_s)  # noqa: S311  # spreads load, hides nothing
            stream.announce_drain(round(after_s * 1000))
            loop.call_later(after_s, stream.release, Cause.DRAINING)
            if number % _ANNOUNCED_AT_ONCE == 0:
                await asyncio.sleep(0)
        while self._streams and loop.time() < deadline:
            await asyncio.sleep(_LOOK_S)
        for stream in self.streams:
            stream.cut_off(Cause.DRAINING)

    # What the channels tell

    def message(self, channel: str, data: str) -> None:
        """A message for the streams of one user."""
        try:
            for stream in self._streams.get(channel, ()):
                self._deliver(stream, data)
        except Exception:  # one bad message must not cost the others their events
            log.exception("event_failed", channel=channel)

    def _deliver(self, stream: Stream, message: str) -> None:
        if message == _BEGIN_ANEW:
            self.lost_pools.add(stream.user.pool)
            stream.begin_anew()
        elif message == _SIGNED_OUT:
            stream.close(EventType.DRAINING, Cause.SIGNED_OUT)  # the client comes back, and is refused
        elif message.startswith("!"):
            stream.superseded_by(int(message[1:]))
        else:
            event_id, _, data = message.partition(" ")
            if stream.live(Event(event_id=event_id, data=orjson.loads(data))):
                self._delivered(event_id, stream)

    def _delivered(self, event_id: str, stream: Stream) -> None:
        committed_ms = int(event_id.partition("-")[0])
        self._metrics.delivered(self._clock.now_s() - committed_ms / 1000, stream.reader.waiting)

    def interrupted(self) -> None:
        """Events may be missing: each stream will have to read its log."""
        for stream in self.streams:
            stream.put_aside()

    def confirmed(self, channel: str) -> None:
        """The channel's messages come, again or for the first time."""
        if behind := [stream for stream in self._streams.get(channel, ()) if stream.reading is not None]:
            self._catch_up.add(behind)


def _start(commit: Commit, last_event_id: str | None) -> Start:
    if commit.fields["resync"]:
        return Start.RESYNC
    return Start.RESUMED if last_event_id else Start.FRESH
