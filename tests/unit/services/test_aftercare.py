"""Aftercare: one pool that cannot be repaired does not keep the others from it."""

from types import SimpleNamespace
from typing import Any

import pytest

from dormparty_sse.domain.errors import StateAway, StateFault
from dormparty_sse.services.aftercare import Aftercare

POOLS = ["a", "b", "c"]


class Repairs(list[str]):
    """Remembers which pools it was asked to repair, and fails for one of them."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def repair(self, pool: str) -> dict[str, Any]:
        self.append(pool)
        if pool == "b":
            raise self._error
        return {}


async def pools() -> list[str]:
    return POOLS


def aftercare(repairs: Repairs) -> Aftercare:
    """After Redis has come back once."""
    parts: Any = SimpleNamespace
    return Aftercare(
        parts(health=parts(reconnects=1)),
        parts(pools=pools, take_faulty_pools=set),
        parts(repair=repairs.repair),
        parts(take_lost_pools=set),
    )


@pytest.mark.parametrize("error", [StateFault(), KeyError("roomName")], ids=repr)
async def test_a_pool_that_cannot_be_repaired_does_not_stop_the_others(error: Exception) -> None:
    repairs = Repairs(error)
    await aftercare(repairs).look()
    assert sorted(repairs) == POOLS


async def test_while_redis_is_away_nothing_is_tried() -> None:
    repairs = Repairs(StateAway())
    with pytest.raises(StateAway):
        await aftercare(repairs).look()
