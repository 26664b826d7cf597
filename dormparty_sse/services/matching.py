"""Matching: whoever comes into the queue wakes the matcher of the process it came through.

A pair is reserved in Redis, its room is made, and only then the match is opened and told to both. Any number
of processes may match the same pool at once: the scripts let each person be in one pair only.
"""

import asyncio
import time

import structlog

from dormparty_sse.domain.errors import RoomsAway
from dormparty_sse.domain.models import Commit, Reservation
from dormparty_sse.domain.names import new_id, room_name
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.livekit.rooms import Rooms
from dormparty_sse.services.commits import Commits
from dormparty_sse.services.health import RoomsHealth
from dormparty_sse.services.tasks import Tasks
from dormparty_sse.store.store import Store

log = structlog.get_logger()

_ROOMS_IN_THE_MAKING = 32  # at once, per process


class Matcher:
    """Pairs the people of each pool. Calls to `wake` while a pool is being matched become one more round."""

    def __init__(
        self, store: Store, rooms: Rooms, health: RoomsHealth, commits: Commits, tasks: Tasks, *, batch: int
    ) -> None:
        self._store = store
        self._rooms = rooms
        self._health = health
        self._commits = commits
        self._tasks = tasks
        self._batch = batch
        self._wanted: set[str] = set()
        self._matching: set[str] = set()
        self._places = asyncio.Semaphore(_ROOMS_IN_THE_MAKING)
        commits.react(self._notice)
        health.when_back(self._wake_all)

    def wake(self, pool: str) -> None:
        """Somebody in this pool might be matched."""
        self._wanted.add(pool)
        if pool not in self._matching and not self._health.away:
            self._matching.add(pool)
            self._tasks.spawn(self._match(pool))

    def _notice(self, commit: Commit) -> None:
        if commit.rematch:
            self.wake(commit.pool)

    def _wake_all(self) -> None:
        for pool in tuple(self._wanted):
            self.wake(pool)

    async def _match(self, pool: str) -> None:
        try:
            while pool in self._wanted and not self._health.away:
                self._wanted.discard(pool)
                await self._match_batch(pool)
        finally:
            self._matching.discard(pool)

    async def _match_batch(self, pool: str) -> None:
        sessions = [new_id() for _ in range(self._batch)]
        names = [(session, room_name(pool, session)) for session in sessions]
        reservations = await self._store.reserve_pairs(pool, names)
        if len(reservations) == self._batch:
            self._wanted.add(pool)  # there may be more
        for reservation in reservations:
            await self._places.acquire()
            self._tasks.spawn(self._open(reservation))

    async def _open(self, reservation: Reservation) -> None:
        started = time.perf_counter()
        try:
            sid = await self._rooms.create(reservation.room_name)
        except RoomsAway as error:
            self._health.failed(error)
            await self._commits.run(self._store.release(reservation))
            return
        finally:
            self._places.release()
        ms = round((time.perf_counter() - started) * 1000, 1)
        log.info("room_created", pool=reservation.pool, session_id=reservation.session_id, ms=ms)
        opened = await self._commits.run(self._store.open_match(reservation, sid))
        if opened.outcome is Outcome.NOTHING:  # somebody left meanwhile
            await self._rooms.delete(reservation.room_name)
