"""The hub: one pub/sub connection per process, feeding every stream that is open in it.

A stream subscribes first, then reads the log, then goes live, so nothing falls between. After a break of the
connection every stream reads the log again from where it stood.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import orjson
import structlog
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from dormparty_sse.domain.errors import StateAway, StateFault
from dormparty_sse.domain.events import EventType
from dormparty_sse.domain.models import Commit, Event, UserRef
from dormparty_sse.services.hangups import Hangups
from dormparty_sse.services.stream import Reader, Stream
from dormparty_sse.services.tasks import Tasks
from dormparty_sse.services.views import Views
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.keys import pool_key
from dormparty_sse.store.store import Store

log = structlog.get_logger()

_RECONNECT_S = 0.2  # from one attempt to the next, at least
_BEGIN_ANEW = "?"  # what scripts tell the streams of a user whom they remove, or have not known
_KEEP_ALIVE_CHANNEL = "dormparty:hub"  # so that the connection always has something to listen to


class Hub:
    """All streams of this process."""

    def __init__(
        self,
        connection: Connection,
        store: Store,
        views: Views,
        hangups: Hangups,
        tasks: Tasks,
        *,
        buffer: int,
    ) -> None:
        self._connection = connection
        self._store = store
        self._views = views
        self._hangups = hangups
        self._tasks = tasks
        self._buffer = buffer
        self.lost_pools: set[str] = set()  #: Where Redis has lost users, since somebody emptied this set.
        self._pubsub: PubSub | None = None
        self._streams: dict[str, set[Stream]] = {}  # by channel
        self._confirmations: dict[str, asyncio.Future[None]] = {}  # by channel
        self._draining = False
        connection.recovery.needed_while(lambda: bool(self._streams))

    @property
    def streams(self) -> list[Stream]:
        """The streams open now."""
        return [stream for streams in self._streams.values() for stream in streams]

    @asynccontextmanager
    async def open(self, user: UserRef, last_event_id: str | None, reader: Reader) -> AsyncIterator[Stream]:
        """A stream of this user, for as long as the context lasts. Raises StateAway.

        If the context ends by CancelledError, ConnectionError or TimeoutError, the reader has gone.
        One that does not keep up is cut off.
        """
        if self._draining:
            raise StateAway("This process is stopping; connect again.")
        channel = pool_key(user.pool, "events", user.user_id)
        stream = Stream(user, self._views, reader, buffer=self._buffer)
        self._streams.setdefault(channel, set()).add(stream)
        opened = self._hangups.opened(reader.address)
        try:
            try:
                async with asyncio.timeout(self._connection.command_timeout_s):
                    await self._subscribe(channel)
            except (RedisError, OSError) as error:
                raise StateAway from error
            stream.begin(await self._store.open_stream(user, last_event_id), last_event_id)
            try:
                yield stream
            except (asyncio.CancelledError, ConnectionError, TimeoutError):
                if stream.is_open and not self._draining:
                    self._hangups.hung_up(opened, user, stream.generation)
                raise
        finally:
            self._hangups.closed(opened)
            await self._forget(channel, stream)

    def drain(self) -> None:
        """Ends every stream with `draining`; no new one begins."""
        self._draining = True
        for stream in self.streams:
            stream.close(EventType.DRAINING)

    async def listen(self) -> None:
        """Feeds the streams, for ever; a lost connection is made anew, as soon as Redis is there."""
        clock = asyncio.get_running_loop().time
        while True:
            await self._connection.recovery.up()
            next_one = clock() + _RECONNECT_S
            try:
                async with self._connection.subscription() as pubsub:
                    await self._listen(pubsub)
            except (RedisError, OSError) as error:
                log.warning("hub_disconnected", error=type(error).__name__)
            except Exception:  # without this task nobody would get any event
                log.exception("hub_crashed")
            with suppress(StateAway, StateFault):
                await self._connection.probe()  # is it the whole of Redis that is away?
            await asyncio.sleep(max(0, next_one - clock()))

    async def _listen(self, pubsub: PubSub) -> None:
        channels = set(self._streams)
        try:
            async with asyncio.timeout(self._connection.connect_timeout_s):
                await pubsub.subscribe(_KEEP_ALIVE_CHANNEL, *channels)
            self._pubsub = pubsub
            if opened_meanwhile := self._streams.keys() - channels:
                await pubsub.subscribe(*opened_meanwhile)
            while True:
                # timeout=None waits for the next message without limit
                message = await pubsub.get_message(timeout=None)
                if message:
                    self._dispatch_safely(message)
        finally:
            self._pubsub = None

    def _dispatch_safely(self, message: dict[str, Any]) -> None:
        try:
            self._dispatch(message)
        except Exception:  # one bad message must not cost the others their events
            log.exception("event_failed", channel=message["channel"])

    def _dispatch(self, message: dict[str, Any]) -> None:
        channel = message["channel"]
        if message["type"] == "subscribe":
            self._subscribed(channel)
        elif message["type"] == "message":
            for stream in tuple(self._streams.get(channel, ())):
                if message["data"] == _BEGIN_ANEW:
                    self.lost_pools.add(stream.user.pool)
                _deliver(stream, message["data"])

    async def _subscribe(self, channel: str) -> None:
        self._connection.require()
        confirmed = self._confirmations.setdefault(channel, asyncio.get_running_loop().create_future())
        if self._pubsub:  # else _listen subscribes to all channels as soon as it can
            await self._pubsub.subscribe(channel)
        await asyncio.shield(confirmed)

    def _subscribed(self, channel: str) -> None:
        confirmed = self._confirmations.pop(channel, None)
        if confirmed and not confirmed.done():
            confirmed.set_result(None)
        for stream in tuple(self._streams.get(channel, ())):
            if stream.generation:  # it was live already: the connection may be new, and events missed
                self._tasks.spawn(self._catch_up(channel, stream, stream.put_aside()))

    async def _catch_up(self, channel: str, stream: Stream, reading: int) -> None:
        missed = await self._missed(channel, stream)
        if missed and not stream.catch_up(missed, reading):
            # The log cannot tell what is missing: a new stream's snapshot will stand for it.
            log.warning("stream_resync", user_id=stream.user.user_id, channel=channel)
            stream.close(EventType.DRAINING)

    async def _missed(self, channel: str, stream: Stream) -> Commit | None:
        while stream in self._streams.get(channel, ()):
            try:
                return await self._store.catch_up(stream.user, stream.last_id)
            except StateAway:
                await asyncio.sleep(_RECONNECT_S)
                await self._connection.recovery.up()
        return None

    async def _forget(self, channel: str, stream: Stream) -> None:
        streams = self._streams[channel]
        streams.discard(stream)
        if streams:
            return
        del self._streams[channel]
        self._confirmations.pop(channel, None)
        if self._pubsub:
            try:
                async with asyncio.timeout(self._connection.command_timeout_s):
                    await self._pubsub.unsubscribe(channel)
            except (RedisError, OSError) as error:
                log.info("unsubscribe_failed", error=type(error).__name__)


def _deliver(stream: Stream, message: str) -> None:
    if message == _BEGIN_ANEW:
        stream.begin_anew()
        return
    if message.startswith("!"):
        stream.superseded_by(int(message[1:]))
        return
    event_id, _, data = message.partition(" ")
    stream.live(Event(event_id=event_id, data=orjson.loads(data)))
