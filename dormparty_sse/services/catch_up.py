"""After a break: streams read in their logs what they have missed meanwhile."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable

import structlog

from dormparty_sse.domain.errors import StateAway, StateFault
from dormparty_sse.domain.models import Fields
from dormparty_sse.services.stream import Stream
from dormparty_sse.services.tasks import Tasks
from dormparty_sse.store.recovery import Recovery
from dormparty_sse.store.store import Store

log = structlog.get_logger()

_AT_ONCE = 100  # streams
_AGAIN_S = 0.2  # before Redis is asked again


class CatchUp:
    """Many streams fall behind at once, and are served together."""

    def __init__(
        self, store: Store, recovery: Recovery, tasks: Tasks, delivered: Callable[[str, Stream], None]
    ) -> None:
        """`delivered` is called with the id of each event that a stream has told at last."""
        self._delivered = delivered
        self._store = store
        self._recovery = recovery
        self._tasks = tasks
        self._behind: list[Stream] = []

    def add(self, behind: Iterable[Stream]) -> None:
        """These streams hear their channels again, and have put aside what they hear."""
        if not self._behind:
            asyncio.get_running_loop().call_soon(self._start)
        self._behind.extend(behind)

    def _start(self) -> None:
        pools: dict[str, list[Stream]] = defaultdict(list)
        for stream in self._behind:
            pools[stream.user.pool].append(stream)
        self._behind = []
        for pool, streams in pools.items():
            for first in range(0, len(streams), _AT_ONCE):
                self._tasks.spawn(self._catch_up(pool, streams[first : first + _AT_ONCE]))

    async def _catch_up(self, pool: str, streams: list[Stream]) -> None:
        due = [(stream, stream.reading) for stream in streams]
        while due:
            answers = await self._read(pool, [stream for stream, _ in due])
            for (stream, reading), missed in zip(due, answers, strict=False):
                if reading is not None and not (missed and self._tell(stream, reading, missed)):
                    # The log cannot tell what is missing: a new stream's snapshot will stand for it.
                    log.warning("stream_resync", user_id=stream.user.user_id, pool=pool)
                    stream.begin_anew()
            due = due[len(answers) :]

    def _tell(self, stream: Stream, reading: int, missed: Fields) -> bool:
        """Does the stream go on with this?"""
        try:
            reaches_back = stream.catch_up(missed, reading)
        except Exception:  # one log that makes no sense must not cost the other streams theirs
            log.exception("catch_up_failed", user_id=stream.user.user_id)
            return False
        for event_id, _ in missed["events"]:
            self._delivered(event_id, stream)
        return reaches_back

    async def _read(self, pool: str, streams: list[Stream]) -> list[Fields | None]:
        """What each of them has missed, or the first of them; None where it cannot be read."""
        while True:
            try:
                return [
                    *await self._store.catch_up(
                        pool, [(stream.user.user_id, stream.last_id) for stream in streams]
                    )
                ]
            except StateAway:
                await asyncio.sleep(_AGAIN_S)
                await self._recovery.up()
            except StateFault:
                if len(streams) == 1:
                    return [None]
                streams = streams[:1]  # one log is damaged; the others must not pay for it
