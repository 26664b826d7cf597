"""Streams that ended without a word from either side: was it the client, or something between it and us?

A browser that dies closes its connection, and so does a proxy that is restarted, but that one closes all it
has at once. The first starts the clock of the user's call; after the second the clients come back alone.
"""

import asyncio
import secrets
from collections import Counter
from dataclasses import dataclass

import structlog

from dormparty_sse.domain.clock import Clock
from dormparty_sse.domain.models import UserRef
from dormparty_sse.services.addresses import Addresses
from dormparty_sse.services.commits import Commits
from dormparty_sse.services.tasks import Tasks
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.keys import hangups
from dormparty_sse.store.store import Store

log = structlog.get_logger()

_AT_ONCE_MS = 100  # what a proxy that goes closes, it closes within so long; thousands of streams take longer
_MOST_WAITS = 10
_REMEMBERED_MS = 2 * _MOST_WAITS * _AT_ONCE_MS
_FEW = 2  # one stream alone says nothing of a proxy


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A stream, as of its opening."""

    address: str  #: Where it leads to.
    at: int  #: ms since the epoch, by Redis's clock.


class Hangups:
    """What is known of where streams lead to, and which of them have ended lately, in all processes."""

    def __init__(
        self,
        connection: Connection,
        store: Store,
        commits: Commits,
        clock: Clock,
        tasks: Tasks,
        addresses: Addresses,
    ) -> None:
        self._connection = connection
        self._store = store
        self._commits = commits
        self._clock = clock
        self._tasks = tasks
        self._addresses = addresses
        self._open: Counter[str] = Counter()  # streams of this process, by the address they lead to

    def opened(self, address: str) -> Opened:
        """A stream to this address is open."""
        self._open[address] += 1
        return Opened(address=address, at=self._clock.now_ms())

    def closed(self, stream: Opened) -> None:
        """It has ended, however."""
        self._open[stream.address] -= 1
        if not self._open[stream.address]:
            del self._open[stream.address]

    def hung_up(self, stream: Opened, user: UserRef, generation: int) -> None:
        """Its connection was closed, and not by us."""
        self._tasks.spawn(self._tell(stream, user, generation))

    async def _tell(self, stream: Opened, user: UserRef, generation: int) -> None:
        if ended := await self._were_cut(stream):
            log.warning("streams_cut", streams=ended, user_id=user.user_id)
        else:
            await self._commits.run(self._store.stream_lost(user, generation))

    async def _were_cut(self, stream: Opened) -> int:
        """How many streams to the same address ended with this one, if they were all there were; else 0."""
        key = hangups(self._addresses.hashed(stream.address))
        now = self._clock.now_ms()
        await self._connection.execute("ZREMRANGEBYSCORE", key, "-inf", now - _REMEMBERED_MS)
        await self._connection.execute("ZADD", key, now, secrets.token_hex(8))
        await self._connection.execute("PEXPIRE", key, _REMEMBERED_MS)
        since = max(stream.at, now - _AT_ONCE_MS)
        ended = 1
        for _ in range(_MOST_WAITS):
            await asyncio.sleep(_AT_ONCE_MS / 1000)
            before, ended = ended, int(await self._connection.execute("ZCOUNT", key, since, "+inf"))
            if ended == before:
                break
        return ended if ended >= _FEW and not self._open[stream.address] else 0
