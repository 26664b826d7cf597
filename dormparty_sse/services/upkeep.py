"""What is done for the open streams from time to time: pings, heartbeats, signs of life, news of the queue.

A round over all streams takes its whole interval, a few streams at a time: thousands at once would hold up
events.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress

import structlog

from dormparty_sse.domain.errors import StateAway
from dormparty_sse.domain.events import EventType
from dormparty_sse.services.hub import Hub
from dormparty_sse.services.stream import Cause, Stream
from dormparty_sse.services.views import Views
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.store import Store

log = structlog.get_logger()

_AT_ONCE = 50  # streams in a script call; Redis works on nothing else meanwhile
_BREATH_S = 0.01  # then everything else has its turn


class Upkeep:
    """What is done for some of the streams of this process, by rounds that reach all of them (`go_round`)."""

    def __init__(
        self, connection: Connection, hub: Hub, store: Store, views: Views, *, send_timeout_s: float
    ) -> None:
        """A reader that takes nothing for `send_timeout_s` is cut off."""
        self._connection = connection
        self._hub = hub
        self._store = store
        self._views = views
        self._send_timeout_s = send_timeout_s

    def take_lost_pools(self) -> set[str]:
        """The pools of which Redis has lost users since this was asked last."""
        lost, self._hub.lost_pools = self._hub.lost_pools, set()
        return lost

    async def pings(self, streams: list[Stream]) -> None:
        """Finds out who is still there."""
        for stream in streams:
            if stream.reader.stuck_s > self._send_timeout_s:
                stream.cut_off(Cause.STUCK)
            elif stream.is_open:
                stream.reader.ping()

    async def heartbeats(self, streams: list[Stream]) -> None:
        """`heartbeat` to each."""
        for stream in streams:
            stream.momentary(self._views.momentary(EventType.HEARTBEAT))

    async def presence(self, streams: list[Stream]) -> None:
        """A sign of life of every user whose stream takes what it is sent, as soon as Redis is there.

        Whoever Redis does not know any more (somebody has flushed it) is told so, by a new beginning.
        """
        while True:
            await self._connection.recovery.up()
            with suppress(StateAway):
                return await self._presence(streams)
            # Not left to the next round: people would count as away, and it was Redis that was.
            await asyncio.sleep(_BREATH_S)

    async def _presence(self, streams: list[Stream]) -> None:
        for pool, some in _by_pool(stream for stream in streams if stream.is_alive):
            by_user = {stream.user.user_id: stream for stream in some}
            generations = {user: stream.generation for user, stream in by_user.items()}
            for unknown in await self._store.seen(pool, generations):
                log.warning("user_lost", pool=pool, user_id=unknown)
                by_user[unknown].begin_anew()
                self._hub.lost_pools.add(pool)

    async def queue_updates(self, streams: list[Stream]) -> None:
        """`queue-update` to every waiting user for whom something has changed."""
        for pool, some in _by_pool(stream for stream in streams if stream.is_open and stream.waiting):
            by_user = {stream.user.user_id: stream for stream in some}
            for fields in await self._store.queue_views(pool, list(by_user)):
                stream = by_user[fields["userId"]]
                view = self._views.waiting(fields)
                if not stream.waiting or view == stream.last_queue_view:
                    continue
                if stream.momentary(self._views.momentary(EventType.QUEUE_UPDATE, **view)):
                    stream.last_queue_view = view


def _by_pool(streams: Iterable[Stream]) -> Iterator[tuple[str, list[Stream]]]:
    """Streams of one pool each time, few enough for one script call."""
    pools: dict[str, list[Stream]] = defaultdict(list)
    for stream in streams:
        pools[stream.user.pool].append(stream)
    for pool, some in pools.items():
        for first in range(0, len(some), _AT_ONCE):
            yield pool, some[first : first + _AT_ONCE]
