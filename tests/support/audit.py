"""The audit of a pool that nothing moves in, without LiveKit."""

from dormparty_sse.domain.audit import by_invariant, findings
from dormparty_sse.store.facts import Facts
from dormparty_sse.store.store import Store


async def violations(store: Store, pool: str) -> dict[str, list[str]]:
    """Every invariant's name with what violates it."""
    found = [finding async for page in Facts(store).pages(pool) for finding in findings(page)]
    return by_invariant(found)
