"""The hub: one pub/sub connection per process, feeding every stream that is open in it.

A stream subscribes first, then reads the log, then goes live, so nothing falls between. After a break of the
connection every stream reads the log again from where it stood.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from dormparty_sse.domain.errors import StateAway
from dormparty_sse.domain.events import EventType
from dormparty_sse.domain.models import Commit, Event, UserRef
from dormparty_sse.services.stream import Stream
from dormparty_sse.services.tasks import Tasks
from dormparty_sse.services.views import Views
from dormparty_sse.store.keys import pool_key
from dormparty_sse.store.store import Store

log = structlog.get_logger()

_RECONNECT_S = 0.2
_SUBSCRIBE_TIMEOUT_S = 5
_KEEP_ALIVE_CHANNEL = "dormparty:hub"  # so that the connection always has something to listen to


class Hub:
    """All streams of this process."""

    def __init__(self, redis: Redis, store: Store, views: Views, tasks: Tasks, *, buffer: int) -> None:
        self._redis = redis
        self._store = store
        self._views = views
        self._tasks = tasks
        self._buffer = buffer
        self._pubsub: PubSub | None = None
        self._streams: dict[str, set[Stream]] = {}  # by channel
        self._confirmations: dict[str, asyncio.Future[None]] = {}  # by channel
        self._draining = False

    @property
    def streams(self) -> list[Stream]:
        """The streams open now."""
        return [stream for streams in self._streams.values() for stream in streams]

    @asynccontextmanager
    async def open(
        self, user: UserRef, last_event_id: str | None, cut_off: Callable[[], None]
    ) -> AsyncIterator[Stream]:
        """A stream of this user, for as long as the context lasts. Raises StateAway.

        `cut_off` is called to drop a reader that does not keep up.
        """
        if self._draining:
            raise StateAway("This process is stopping; connect again.")
        channel = pool_key(user.pool, "events", user.user_id)
        stream = Stream(user, self._views, cut_off, buffer=self._buffer)
        self._streams.setdefault(channel, set()).add(stream)
        try:
            await self._subscribe(channel)
            stream.begin(await self._store.open_stream(user, last_event_id), last_event_id)
            yield stream
        finally:
            await self._forget(channel, stream)

    def drain(self) -> None:
        """Ends every stream with `draining`; no new one begins."""
        self._draining = True
        for stream in self.streams:
            stream.close(EventType.DRAINING)

    async def listen(self) -> None:
        """Feeds the streams, for ever; a lost connection is made anew."""
        while True:
            try:
                await self._listen()
            except (RedisError, OSError) as error:
                log.warning("hub_disconnected", error=repr(error))
            except Exception:  # without this task nobody would get any event
                log.exception("hub_crashed")
            await asyncio.sleep(_RECONNECT_S)

    async def _listen(self) -> None:
        pubsub = self._redis.pubsub()
        channels = set(self._streams)
        try:
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
            await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it unannotated

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
                _deliver(stream, message["data"])

    async def _subscribe(self, channel: str) -> None:
        confirmed = self._confirmations.setdefault(channel, asyncio.get_running_loop().create_future())
        try:
            if self._pubsub:  # else _listen subscribes to all channels as soon as it can
                await self._pubsub.subscribe(channel)
            async with asyncio.timeout(_SUBSCRIBE_TIMEOUT_S):
                await asyncio.shield(confirmed)
        except (RedisError, OSError, TimeoutError) as error:
            raise StateAway from error

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
                await self._pubsub.unsubscribe(channel)
            except (RedisError, OSError) as error:
                log.info("unsubscribe_failed", error=repr(error))


def _deliver(stream: Stream, message: str) -> None:
    if message == "?":
        stream.begin_anew()
        return
    if message.startswith("!"):
        stream.superseded_by(int(message[1:]))
        return
    event_id, _, data = message.partition(" ")
    stream.live(Event(event_id=event_id, data=orjson.loads(data)))
