"""The audit: looks at Redis and LiveKit and says which invariants do not hold."""

from dataclasses import replace
from typing import Any

from dormparty_sse.domain.audit import violations
from dormparty_sse.domain.errors import RoomsAway
from dormparty_sse.domain.models import Room
from dormparty_sse.livekit.rooms import Rooms
from dormparty_sse.store.store import Store


class Auditor:
    """Checks the invariants of `domain/audit.py` on the real thing."""

    def __init__(self, store: Store, rooms: Rooms) -> None:
        self._store = store
        self._rooms = rooms

    async def audit(self, pool: str) -> dict[str, Any]:
        """The report: `ok`, `roomsChecked` and `invariants`, each with its violations. Raises StateAway."""
        rooms = await self._list_rooms()
        found = violations(replace(await self._store.snapshot(pool), rooms=rooms))
        return {
            "ok": not any(found.values()),
            "pool": pool,
            "roomsChecked": rooms is not None,
            "invariants": found,
        }

    async def _list_rooms(self) -> list[Room] | None:
        try:
            return await self._rooms.list()
        except RoomsAway:
            return None
