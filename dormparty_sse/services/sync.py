"""Reconciliation in turns: of all processes one at a time, every few seconds, and when it is asked for."""

import time
from collections import Counter
from typing import Any

import orjson
import structlog

from dormparty_sse.domain.clock import Clock
from dormparty_sse.domain.errors import Unavailable
from dormparty_sse.services.metrics import Metrics
from dormparty_sse.services.reconcile import Findings, Reconciler
from dormparty_sse.services.tasks import Tasks
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.keys import RECONCILIATION_LEASE, RECONCILIATION_REPORT, RECONCILIATION_TURN
from dormparty_sse.store.lease import Lease

log = structlog.get_logger()

_LEASE_S = 2.5  # another process takes over from one that has died within the interval
_WAIT_S = 5.0  # for the run of another process to end
_REPORT_TTL_S = 3600


class RoomSync:
    """This process's part in it."""

    def __init__(
        self,
        connection: Connection,
        reconciler: Reconciler,
        clock: Clock,
        metrics: Metrics,
        tasks: Tasks,
        *,
        interval_s: float,
    ) -> None:
        self._connection = connection
        self._reconciler = reconciler
        self._clock = clock
        self._metrics = metrics
        self._tasks = tasks
        self._interval_ms = round(interval_s * 1000)
        self._lease = Lease(connection, RECONCILIATION_LEASE, ttl_s=_LEASE_S)

    async def take_turn(self) -> None:
        """Runs it if it is time to and nobody else does. Raises StateAway."""
        turn = ("SET", RECONCILIATION_TURN, 1, "NX", "PX", self._interval_ms)
        async with self._lease.held() as is_ours:
            if is_ours and await self._connection.execute(*turn, urgent=False):
                await self._run()

    def run_soon(self) -> None:
        """LiveKit is back: what became of its rooms?"""
        self._tasks.spawn(self.run())

    async def run(self) -> dict[str, Any]:
        """Runs it now; the report. Raises StateAway, and Unavailable if another process takes too long."""
        async with self._lease.held(_WAIT_S) as is_ours:
            if not is_ours:
                raise Unavailable("Another process is reconciling; try again shortly.")
            return await self._run()

    async def last_report(self) -> dict[str, Any]:
        """Of the last run of any process within the last hour; `beganAt` is None if there was none."""
        stored = await self._connection.execute("GET", RECONCILIATION_REPORT)
        report: dict[str, Any] = orjson.loads(stored) if stored else _report(Findings(), None, 0)
        return report

    async def _run(self) -> dict[str, Any]:
        started = time.perf_counter()
        began_at = self._clock.now_ms()
        findings = await self._reconciler.run()
        seconds = time.perf_counter() - started
        self._metrics.reconciled(seconds, "up" if findings.livekit else "down")
        report = _report(findings, began_at, seconds * 1000)
        await self._connection.execute(
            "SET", RECONCILIATION_REPORT, orjson.dumps(report), "EX", _REPORT_TTL_S
        )
        return report


def _report(findings: Findings, began_at: int | None, duration_ms: float) -> dict[str, Any]:
    return {
        "beganAt": began_at,
        "durationMs": round(duration_ms, 1),
        "livekit": "up" if findings.livekit else "down",
        "rooms": findings.rooms,
        "foreignRooms": findings.foreign_rooms,
        "matches": findings.matches,
        "lookedInto": findings.looked_into,
        "counts": Counter(str(one.kind) for one in findings.discrepancies),
        "findings": [
            {
                "kind": one.kind,
                "pool": one.pool,
                "sessionId": one.session_id,
                "roomName": one.room_name,
                "userId": one.user_id,
                "done": one.done,
            }
            for one in findings.discrepancies
        ],
    }
