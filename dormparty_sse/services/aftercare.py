"""After Redis was away, or has lost what it knew: what is no longer true is mended at once."""

from dormparty_sse.services.repair import Repairer
from dormparty_sse.services.upkeep import Upkeep
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.store import Store

_ROUNDS = 3  # what is wrong may show only when streams and webhooks have come back


class Aftercare:
    """A Redis that was killed may have lost its last second; LiveKit and the people in its rooms have not."""

    def __init__(self, connection: Connection, store: Store, repairer: Repairer, upkeep: Upkeep) -> None:
        self._connection = connection
        self._store = store
        self._repairer = repairer
        self._upkeep = upkeep
        self._known = (0, 0)
        self._rounds = 0

    async def look(self) -> None:
        """Repairs every pool if something has happened lately."""
        happened = (self._connection.health.reconnects, self._upkeep.users_lost)
        if happened != self._known:
            self._known = happened
            self._rounds = _ROUNDS
        if self._rounds == 0:
            return
        self._rounds -= 1
        for pool in {*await self._store.pools(), *self._upkeep.pools}:
            await self._repairer.repair(pool)
