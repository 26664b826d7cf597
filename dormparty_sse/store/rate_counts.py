"""How often something was asked for within the last window: in Redis for all processes, or here for this one.

Both count as `limits` does in its sliding window counter: what the previous window holds counts less and less
as the current one goes on. The library's own storage for Redis would bring a second set of connections,
with troubles of its own, and ask four times for what is here one script made of its scripts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

from limits import RateLimitItem
from limits.aio.storage import MemoryStorage
from limits.aio.storage.redis.bridge import RedisBridge

from dormparty_sse.store.connection import Connection
from dormparty_sse.store.keys import rate_counts
from dormparty_sse.store.lanes import Script

_SCRIPT = f"""
local function acquire(KEYS, ARGV)
{RedisBridge.SCRIPT_ACQUIRE_SLIDING_WINDOW.decode()}
end
local function window(KEYS, ARGV)
{RedisBridge.SCRIPT_SLIDING_WINDOW.decode()}
end
local answers = {{}}
for number = 1, #KEYS / 2 do
  local keys = {{ KEYS[2 * number - 1], KEYS[2 * number] }}
  local amount, window_s = ARGV[2 * number - 1], ARGV[2 * number]
  local admitted = acquire(keys, {{ amount, window_s, 1 }})
  answers[number] = {{ admitted and 1 or 0, window(keys, {{ window_s }}) }}
  if not admitted then break end
end
return answers
"""
_HIT = Script(_SCRIPT)


@dataclass(frozen=True, slots=True)
class Count:
    """What is counted: requests of one group by one user, or from one address."""

    name: str  #: The limit's, in the table.
    who: str
    limit: RateLimitItem


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a count stands."""

    name: str
    amount: int  #: So many are allowed
    window_s: int  #: within so long.
    remaining: int
    next_s: int  #: After so long there is one more; at least 1.
    admitted: bool  #: Was this one within the limit?


class SharedCounts:
    """Those of all processes, in Redis, by whose clock they go. They expire after two windows."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def hit(self, counts: Sequence[Count]) -> list[Standing]:
        """Counts one more of each, up to the first that is refused, which counts nowhere.

        Raises StateAway, StateFault.
        """
        keys = tuple(key for count in counts for key in rate_counts(_key(count)))
        sizes = tuple(size for count in counts for size in (count.limit.amount, count.limit.get_expiry()))
        answers = await self._connection.run(_HIT, keys, sizes)
        return [
            _standing(count, bool(admitted), previous or 0, previous_ms, current or 0, current_ms)
            for count, (admitted, (previous, previous_ms, current, current_ms)) in zip(
                counts, answers, strict=False
            )
        ]


class LocalCounts:
    """Those of this process alone. Beyond `most` users and addresses, all begin anew."""

    def __init__(self, most: int = 20_000) -> None:
        self._storage = MemoryStorage()
        self._most = most

    async def hit(self, counts: Sequence[Count]) -> list[Standing]:
        """As SharedCounts does."""
        if len(self._storage.storage) >= self._most:  # it looks through all of them each time
            await self._storage.reset()
        standings: list[Standing] = []
        for count in counts:
            key, window_s = _key(count), count.limit.get_expiry()
            admitted = await self._storage.acquire_sliding_window_entry(key, count.limit.amount, window_s)
            previous, previous_s, current, current_s = await self._storage.get_sliding_window(key, window_s)
            standings.append(
                _standing(count, admitted, previous, previous_s * 1000, current, current_s * 1000)
            )
            if not admitted:
                break
        return standings


def _key(count: Count) -> str:
    return count.limit.key_for(count.name, count.who)


def _standing(
    count: Count,
    admitted: bool,  # noqa: FBT001  # the first of what the script answers
    previous: int | str,
    previous_ms: float,
    current: int | str,
    current_ms: float,
) -> Standing:
    """Both windows: what was counted, and in how many ms it is forgotten."""
    window_s, previous, current = count.limit.get_expiry(), int(previous), int(current)
    previous_s, over_s = max(0, previous_ms) / 1000, max(0, current_ms / 1000 - window_s)
    waits_s = [over_s] if current else []
    if previous:
        waits_s.append(previous_s % (window_s / previous))
    remaining = max(0, count.limit.amount - current - floor(previous * previous_s / window_s))
    return Standing(
        name=count.name,
        amount=count.limit.amount,
        window_s=window_s,
        remaining=remaining,
        next_s=max(1, ceil(min(waits_s, default=0))),
        admitted=admitted,
    )
