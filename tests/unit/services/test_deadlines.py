"""The sweep over all pools."""

import asyncio
from unittest.mock import create_autospec

import pytest

from dormparty_sse.domain.errors import DormPartyError, StateAway, StateFault
from dormparty_sse.domain.models import Commit, Fields
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.livekit.rooms import Rooms
from dormparty_sse.services.commits import Commits
from dormparty_sse.services.deadlines import Deadlines
from dormparty_sse.services.matching import Matcher
from dormparty_sse.services.reconcile import Reconciler
from dormparty_sse.services.tasks import Tasks
from dormparty_sse.store.store import Store

POOLS = [f"pool-{number}" for number in range(500)]
BUSY = "pool-7"  # two wait there
MOST_AT_ONCE = 10


class Pools:
    """Pools of which some cannot be looked after."""

    def __init__(self, **errors: type[DormPartyError]) -> None:
        self.seen: list[str] = []
        self.most_at_once = 0
        self.matcher = create_autospec(Matcher, instance=True)
        self._errors = errors
        self._now = 0
        store = create_autospec(Store, instance=True)
        store.pools.return_value = POOLS
        store.run_deadlines.side_effect = self._run
        tasks = Tasks()
        rooms, reconciler = (create_autospec(kind, instance=True) for kind in (Rooms, Reconciler))
        self.deadlines = Deadlines(store, rooms, Commits(tasks), self.matcher, reconciler, tasks)

    async def _run(self, pool: str, _batch: int) -> Commit:
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        await asyncio.sleep(0)
        self._now -= 1
        self.seen.append(pool)
        if error := self._errors.get(pool.replace("-", "_")):
            raise error
        fields: Fields = {"rooms": [], "looks": [], "inLine": 2 if pool == BUSY else 1}
        return Commit(
            outcome=Outcome.DONE,
            pool=pool,
            now=0,
            transitions=(),
            due_at=None,
            rematch=False,
            fields=fields,
            alone_ms=(),
        )


async def test_it_looks_after_every_pool_and_only_after_some_at_once() -> None:
    pools = Pools()
    await pools.deadlines.sweep()
    assert sorted(pools.seen) == sorted(POOLS)
    assert pools.most_at_once <= MOST_AT_ONCE
    pools.matcher.wake.assert_called_once_with(BUSY)


async def test_a_pool_that_is_damaged_keeps_the_sweep_from_no_other() -> None:
    pools = Pools(pool_0=StateFault, pool_3=StateFault)
    await pools.deadlines.sweep()
    assert sorted(pools.seen) == sorted(POOLS)


async def test_while_redis_is_away_it_gives_up() -> None:
    pools = Pools(**{pool.replace("-", "_"): StateAway for pool in POOLS})
    with pytest.raises(StateAway):
        await pools.deadlines.sweep()
    assert len(pools.seen) <= MOST_AT_ONCE
