"""Who asks too often? Counted in Redis for all processes; while it is away, each counts for itself."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

import structlog
from limits import RateLimitItem

from dormparty_sse.domain.errors import RateLimited, StateAway, StateFault
from dormparty_sse.services.addresses import Addresses, whole
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.rate_counts import Count, LocalCounts, SharedCounts, Standing

log = structlog.get_logger()

_PATIENCE_S = 0.25  # nobody waits longer for Redis on account of a limit
_LOCAL_S = 1  # after Redis has failed, it is not asked for so long


class RateLimits:
    """The limits of a table, each counted by whom it is about."""

    def __init__(
        self, connection: Connection, table: Mapping[str, RateLimitItem], addresses: Addresses
    ) -> None:
        self._table = table
        self._addresses = addresses
        self._shared = SharedCounts(connection)
        self._local = LocalCounts()
        self._is_local = False
        self._local_until = 0.0  # by the event loop's clock

    async def hit(
        self, group: str, *, address: str, user_id: str | None = None
    ) -> tuple[Sequence[Standing], RateLimited | None]:
        """Counts one more request of a group: where each count stands, and the error if it is too many.

        The user's own counts come first: what they refuse is not counted for the others at the address.
        """
        counts = [
            Count(name, who, limit)
            for kind, who in (("user", user_id), ("address", self._addresses.hashed(address)))
            if who and (limit := self._table.get(name := f"{group}_{kind}"))
        ]
        standings = await self._hit(counts)
        refused = next((standing for standing in standings if not standing.admitted), None)
        return standings, RateLimited(retry_after_s=refused.next_s) if refused else None

    async def _hit(self, counts: Sequence[Count]) -> Sequence[Standing]:
        now = asyncio.get_running_loop().time()
        if now >= self._local_until:
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    standings = await self._shared.hit(counts)
            except (StateAway, StateFault, TimeoutError) as error:
                self._local_until = now + _LOCAL_S
                self._become(is_local=True, error=type(error).__name__)
            else:
                self._become(is_local=False)
                return standings
        return await self._local.hit(counts)

    def _become(self, *, is_local: bool, **why: str) -> None:
        if is_local != self._is_local:
            self._is_local = is_local
            log.warning("rate_limits_local" if is_local else "rate_limits_shared", **why)


class AtOnce:
    """How many there are at once from each address, in this process."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._there: Counter[str] = Counter()

    def enter(self, address: str) -> bool:
        """One more. False if it would be one too many; then it is not counted."""
        place = whole(address)
        if self._there[place] >= self._most:
            return False
        self._there[place] += 1
        return True

    def leave(self, address: str) -> None:
        """One that was counted is no longer there."""
        place = whole(address)
        self._there[place] -= 1
        if not self._there[place]:
            del self._there[place]
