"""After Redis was away, or has lost or garbled what it knew: what is no longer true is mended at once."""

import structlog

from dormparty_sse.domain.errors import StateAway
from dormparty_sse.services.repair import Repairer
from dormparty_sse.services.upkeep import Upkeep
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.store import Store

log = structlog.get_logger()

_ROUNDS = 3  # what is wrong may show only when streams and webhooks have come back


class Aftercare:
    """A Redis that was killed may have lost its last second; LiveKit and the people in its rooms have not."""

    def __init__(self, connection: Connection, store: Store, repairer: Repairer, upkeep: Upkeep) -> None:
        self._connection = connection
        self._store = store
        self._repairer = repairer
        self._upkeep = upkeep
        self._reconnects = 0
        self._lost_pools: set[str] = set()
        self._rounds = 0

    async def look(self) -> None:
        """Repairs every pool if something has happened lately."""
        reconnects = self._connection.health.reconnects
        lost = self._upkeep.take_lost_pools() | self._store.take_faulty_pools()
        if lost or reconnects != self._reconnects:
            self._reconnects = reconnects
            self._lost_pools |= lost
            self._rounds = _ROUNDS
        if self._rounds == 0:
            self._lost_pools.clear()
            return
        self._rounds -= 1
        for pool in {*await self._store.pools(), *self._lost_pools}:
            await self._repair(pool)

    async def _repair(self, pool: str) -> None:
        """Without Redis no pool can be repaired; any other failure is this pool's own."""
        try:
            await self._repairer.repair(pool)
        except StateAway:
            raise
        except Exception:
            log.exception("aftercare_failed", pool=pool)
