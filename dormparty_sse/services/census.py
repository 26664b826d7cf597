"""How many users and rooms there are in each state, over all pools."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from dormparty_sse.domain.states import State
from dormparty_sse.store.statistics import Statistics
from dormparty_sse.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """As of now, by state."""

    users: Mapping[str, int]
    rooms: Mapping[str, int]  #: reserved, open and closing.


async def take_census(store: Store, statistics: Statistics) -> Census:
    """Counts everybody. Raises StateAway, StateFault."""
    users: Counter[str] = Counter(dict.fromkeys(State, 0))
    rooms: Counter[str] = Counter(reserved=0, open=0, closing=0)
    for seen in await asyncio.gather(*map(statistics.overview, await store.pools())):
        users.update(seen.counts)
        rooms.update(reserved=seen.reserved_matches, open=seen.open_matches, closing=seen.closing_matches)
    return Census(users=users, rooms=rooms)
