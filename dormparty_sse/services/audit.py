"""The audit: looks at Redis and LiveKit and says which invariants do not hold."""

from typing import Any

from dormparty_sse.domain.audit import PoolSnapshot, violations
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
        found = violations(await self.snapshot(pool, rooms))
        return {
            "ok": not any(found.values()),
            "pool": pool,
            "roomsChecked": rooms is not None,
            "invariants": found,
        }

    async def snapshot(self, pool: str, rooms: list[Room] | None) -> PoolSnapshot:
        """The pool as of now, with the rooms as they were listed."""
        commit = await self._store.snapshot(pool)
        fields = commit.fields
        # An empty Lua table is {} in JSON, also where a list is meant.
        users = {user: dict(data) for user, data in fields["users"].items()}
        logs = {user: list(data.pop("log")) for user, data in users.items()}
        return PoolSnapshot(
            pool=pool,
            now=commit.now,
            sets={state: list(members) for state, members in fields["sets"].items()},
            queue=list(fields["queue"]),
            users=users,
            logs=logs,
            matches=fields["matches"],
            deadlines=[(member, at) for member, at in fields["deadlines"]],
            cooldowns=[(user, other, until) for user, other, until in fields["cooldowns"]],
            rooms=rooms,
            rules=self._store.rules,
        )

    async def _list_rooms(self) -> list[Room] | None:
        try:
            return await self._rooms.list()
        except RoomsAway:
            return None
