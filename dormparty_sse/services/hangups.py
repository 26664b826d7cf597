"""Streams that ended without a word from either side: was it the client, or something between it and us?

A browser that dies closes its connection, and so does a proxy that is restarted, but that one closes all it
has at once. The first starts the clock of the user's call; after the second the clients come back alone.
"""

import asyncio
from collections import Counter, deque
from dataclasses import dataclass

import structlog

from dormparty_sse.domain.models import UserRef
from dormparty_sse.services.commits import Commits
from dormparty_sse.services.tasks import Tasks
from dormparty_sse.store.store import Store

log = structlog.get_logger()

_AT_ONCE_S = 0.1  # what a proxy that goes closes, it closes within so long
_FEW = 2  # one stream alone says nothing of a proxy


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A stream, as of its opening."""

    address: str  #: Where it leads to.
    at: float  #: By the event loop's clock.


class Hangups:
    """What this process knows of where its streams lead to, and which of them have ended lately."""

    def __init__(self, store: Store, commits: Commits, tasks: Tasks) -> None:
        self._store = store
        self._commits = commits
        self._tasks = tasks
        self._open: Counter[str] = Counter()  # streams, by the address they lead to
        self._lately: deque[tuple[float, str]] = deque()  # (when, address) of those that ended

    def opened(self, address: str) -> Opened:
        """A stream to this address is open."""
        self._open[address] += 1
        return Opened(address=address, at=_now())

    def closed(self, stream: Opened) -> None:
        """It has ended, however."""
        self._open[stream.address] -= 1
        if not self._open[stream.address]:
            del self._open[stream.address]

    def hung_up(self, stream: Opened, user: UserRef, generation: int) -> None:
        """Its connection was closed, and not by us."""
        self._lately.append((_now(), stream.address))
        self._tasks.spawn(self._tell(stream, user, generation))

    async def _tell(self, stream: Opened, user: UserRef, generation: int) -> None:
        await asyncio.sleep(_AT_ONCE_S)
        ended = self._ended_with(stream)
        if ended >= _FEW and not self._open[stream.address]:
            log.warning("streams_cut", streams=ended, user_id=user.user_id)
            return
        await self._commits.run(self._store.stream_lost(user, generation))

    def _ended_with(self, stream: Opened) -> int:
        while self._lately and self._lately[0][0] < _now() - 2 * _AT_ONCE_S:
            self._lately.popleft()
        return sum(address == stream.address and at >= stream.at for at, address in self._lately)


def _now() -> float:
    return asyncio.get_running_loop().time()
