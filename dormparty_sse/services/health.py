"""Is LiveKit there? Matching pauses while it is not, and goes on by itself when it is back."""

import time
from collections.abc import Callable
from contextlib import suppress

import structlog

from dormparty_sse.domain.errors import RoomsAway
from dormparty_sse.livekit.rooms import Rooms

log = structlog.get_logger()


class RoomsHealth:
    """What this process knows of LiveKit, by its own calls and by regular looks."""

    def __init__(self, rooms: Rooms) -> None:
        self.away = False
        self._rooms = rooms
        self._when_back: list[Callable[[], None]] = []

    def when_back(self, callback: Callable[[], None]) -> None:
        """`callback` is called each time LiveKit comes back."""
        self._when_back.append(callback)

    def failed(self, error: RoomsAway) -> None:
        """A call to LiveKit has failed."""
        if not self.away:
            log.warning("rooms_away", detail=error.detail, cause=repr(error.__cause__))
        self.away = True

    async def probe(self) -> float:
        """Looks whether LiveKit answers. Returns the latency in ms, or raises RoomsAway."""
        started = time.perf_counter()
        try:
            await self._rooms.ping()
        except RoomsAway as error:
            self.failed(error)
            raise
        if self.away:
            self.away = False
            log.info("rooms_back")
            for callback in self._when_back:
                callback()
        return (time.perf_counter() - started) * 1000

    async def look(self) -> None:
        """Looks whether LiveKit answers, and notes it."""
        with suppress(RoomsAway):
            await self.probe()
