"""Deadlines: executed when they fall due, by whichever process is awake.

They live in Redis. Each commit says when its pool's next one falls due, which sets a timer; a sweep over all
pools stands behind the timers, for the deadlines of processes that died.
"""

import asyncio
from collections import deque
from contextvars import Context

import structlog

from dormparty_sse.domain.errors import RoomsAway, StateFault
from dormparty_sse.domain.models import Commit, Fields
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.livekit.rooms import Rooms
from dormparty_sse.services.commits import Commits
from dormparty_sse.services.matching import Matcher
from dormparty_sse.services.reconcile import Reconciler
from dormparty_sse.services.tasks import Tasks
from dormparty_sse.store.store import Store

log = structlog.get_logger()

_BATCH = 50
_POOLS_AT_ONCE = 8
_SOONEST_S = 0.001  # for less, uvloop gives no timer but a handle that knows no time


class Deadlines:
    """The timers of one process."""

    def __init__(
        self,
        store: Store,
        rooms: Rooms,
        commits: Commits,
        matcher: Matcher,
        reconciler: Reconciler,
        tasks: Tasks,
    ) -> None:
        self._store = store
        self._rooms = rooms
        self._commits = commits
        self._matcher = matcher
        self._reconciler = reconciler
        self._tasks = tasks
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._stopped = False
        commits.react(self._notice)

    async def sweep(self) -> None:
        """Looks after every pool: what is due, and who may be matched. Raises StateAway.

        Only some at once: people's requests must not wait for thousands of pools.
        """
        pools = deque(await self._store.pools())
        done = await asyncio.gather(
            *(self._look_after(pools) for _ in range(_POOLS_AT_ONCE)), return_exceptions=True
        )
        for error in filter(None, done):
            raise error

    async def _look_after(self, pools: deque[str]) -> None:
        """One after the other, until none is left."""
        while pools:
            pool = pools.popleft()
            try:
                commit = await self._run(pool)
            except StateFault as error:  # the others are looked after all the same
                log.warning("sweep_failed", pool=pool, error=repr(error))
                continue
            if commit.fields["inLine"] > 1:
                self._matcher.wake(pool)

    def stop(self) -> None:
        """No timer fires after this, and none is set any more."""
        self._stopped = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _notice(self, commit: Commit) -> None:
        if commit.due_at is not None and not self._stopped:
            self._set_timer(commit.pool, max(_SOONEST_S, (commit.due_at - commit.now) / 1000))

    def _set_timer(self, pool: str, delay_s: float) -> None:
        loop = asyncio.get_running_loop()
        timer = self._timers.get(pool)
        if timer and timer.when() <= loop.time() + delay_s:
            return
        if timer:
            timer.cancel()
        self._timers[pool] = loop.call_later(delay_s, self._fire, pool, context=Context())

    def _fire(self, pool: str) -> None:
        self._timers.pop(pool, None)
        self._tasks.spawn(self._run(pool))

    async def _run(self, pool: str) -> Commit:
        commit = await self._commits.run(self._store.run_deadlines(pool, _BATCH))
        for room in commit.fields["rooms"]:
            self._tasks.spawn(self._delete_room(pool, room))
        for look in commit.fields["looks"]:
            self._tasks.spawn(self._reconciler.look_at(pool, look["sessionId"], look["roomName"]))
        return commit

    async def _delete_room(self, pool: str, room: Fields) -> None:
        session_id = room["sessionId"]
        try:
            await self._rooms.delete(room["roomName"], is_stuck=room["tries"] > 1)
        except RoomsAway as error:  # its deadline comes again
            log.warning("room_not_deleted", pool=pool, session_id=session_id, detail=error.detail)
            return
        deleted = await self._commits.run(self._store.room_deleted(pool, session_id))
        if deleted.outcome is Outcome.DONE:
            log.info("room_deleted", pool=pool, session_id=session_id)
