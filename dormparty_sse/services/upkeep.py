"""What is done for the open streams from time to time: heartbeats, signs of life, news of the queue."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice

import structlog

from dormparty_sse.domain.errors import StateAway
from dormparty_sse.domain.events import EventType
from dormparty_sse.services.hub import Hub
from dormparty_sse.services.stream import Stream
from dormparty_sse.services.views import Views
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.store import Store

log = structlog.get_logger()

_CHUNK = 200  # streams per script call
_HEARTBEATS_AT_ONCE = 20
_BREATH_S = 0.01  # then everything else has its turn


class Upkeep:
    """The rounds over all streams of this process. Each method is one round."""

    def __init__(self, connection: Connection, hub: Hub, store: Store, views: Views) -> None:
        self._connection = connection
        self._hub = hub
        self._store = store
        self._views = views

    def take_lost_pools(self) -> set[str]:
        """The pools of which Redis has lost users since this was asked last."""
        lost, self._hub.lost_pools = self._hub.lost_pools, set()
        return lost

    async def heartbeats(self) -> None:
        """`heartbeat` to every stream."""
        for number, stream in enumerate(self._hub.streams, 1):
            stream.momentary(self._views.momentary(EventType.HEARTBEAT))
            if number % _HEARTBEATS_AT_ONCE == 0:
                await asyncio.sleep(_BREATH_S)

    async def presence(self) -> None:
        """A sign of life of every user whose stream takes what it is sent, as soon as Redis is there.

        Whoever Redis does not know any more (somebody has flushed it) is told so, by a new beginning.
        """
        while True:
            await self._connection.recovery.up()
            with suppress(StateAway):
                return await self._presence()
            # Not left to the next round: people would count as away, and it was Redis that was.
            await asyncio.sleep(_BREATH_S)

    async def _presence(self) -> None:
        for pool, streams in _by_pool(self._hub.streams):
            for chunk in _chunks(stream for stream in streams if stream.is_alive):
                by_user = {stream.user.user_id: stream for stream in chunk}
                generations = {user: stream.generation for user, stream in by_user.items()}
                for unknown in await self._store.seen(pool, generations):
                    log.warning("user_lost", pool=pool, user_id=unknown)
                    by_user[unknown].begin_anew()
                    self._hub.lost_pools.add(pool)

    async def queue_updates(self) -> None:
        """`queue-update` to every waiting user for whom something has changed."""
        for pool, streams in _by_pool(self._hub.streams):
            for chunk in _chunks(stream for stream in streams if stream.waiting):
                by_user = {stream.user.user_id: stream for stream in chunk}
                for fields in await self._store.queue_views(pool, list(by_user)):
                    stream = by_user[fields["userId"]]
                    view = self._views.waiting(fields)
                    if not stream.waiting or view == stream.last_queue_view:
                        continue
                    if stream.momentary(self._views.momentary(EventType.QUEUE_UPDATE, **view)):
                        stream.last_queue_view = view


def _by_pool(streams: Iterable[Stream]) -> Iterable[tuple[str, list[Stream]]]:
    pools: dict[str, list[Stream]] = defaultdict(list)
    for stream in streams:
        pools[stream.user.pool].append(stream)
    return pools.items()


def _chunks(streams: Iterable[Stream]) -> Iterator[list[Stream]]:
    iterator = iter(streams)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk
