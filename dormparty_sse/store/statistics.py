"""A pool at a glance, and what happened in it minute by minute, as the scripts have counted it."""

from collections import Counter
from collections.abc import Iterator, Mapping

from dormparty_sse.domain.errors import InvalidRequest
from dormparty_sse.domain.queries import Minute, Overview, UserSince
from dormparty_sse.domain.states import State
from dormparty_sse.store.store import Store

MOST_MINUTES = 1_440
_MINUTES = 60  # in one call
_RATE_MINUTES = 5
_MINUTE_MS = 60_000
_MATCHED = f"{State.WAITING}>{State.CONNECTING}"


class Statistics:
    """Each method raises StateAway if Redis does not answer."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def overview(self, pool: str) -> Overview:
        """The pool now, and the rates of the last five full minutes."""
        fields = (await self._store.run("pool_overview", pool)).fields
        counts = {state: int(fields["counts"][state]) for state in State}
        oldest = fields.get("oldestWaiting")
        # Where the invariants hold, two users each make an open match: no count of matches by phase is kept.
        opened = (counts[State.CONNECTING] + counts[State.IN_CALL]) // 2
        reserved = int(fields["reserved"])
        lately = (await self._read(pool, _RATE_MINUTES + 1))[:-1]  # the present one is not over yet
        steps, spent = _total(minute.steps for minute in lately), _total(minute.spent_ms for minute in lately)
        return Overview(
            counts=counts,
            in_line=fields["inLine"],
            oldest_waiting=UserSince(user_id=oldest[0], state=State.WAITING, since=oldest[1])
            if oldest
            else None,
            reserved_matches=reserved,
            open_matches=opened,
            closing_matches=max(fields["matches"] - opened - reserved, 0),
            average_wait_ms=fields.get("averageWaitMs"),
            steps_per_minute=_per_minute(steps),
            matches_per_minute=sum(minute.matches for minute in lately) / _RATE_MINUTES,
            ends_per_minute=_per_minute(_total(minute.ends for minute in lately)),
            forced_per_minute=sum(minute.forced for minute in lately) / _RATE_MINUTES,
            mean_ms=dict(_means(steps, spent)),
        )

    async def minutes(self, pool: str, minutes: int) -> list[Minute]:
        """The last minutes, 1 to 1,440, the last of which is not over yet; earliest first."""
        if not 1 <= minutes <= MOST_MINUTES:
            raise InvalidRequest.of("minutes", f"The number of minutes must be 1 to {MOST_MINUTES}.")
        found: list[Minute] = []
        while len(found) < minutes:
            last = found[0].starts_at // _MINUTE_MS - 1 if found else ""
            found = await self._read(pool, min(_MINUTES, minutes - len(found)), last) + found
        return found

    async def _read(self, pool: str, minutes: int, last: int | str = "") -> list[Minute]:
        commit = await self._store.run("statistics_read", pool, minutes, last)
        return [_minute(minute, counts) for minute, counts in commit.fields["minutes"]]


def _minute(minute: int, counts: Mapping[str, str]) -> Minute:
    def of(kind: str) -> dict[str, int]:
        return {name.removeprefix(kind): int(n) for name, n in counts.items() if name.startswith(kind)}

    steps = of("step:")
    return Minute(
        starts_at=minute * _MINUTE_MS,
        steps=steps,
        matches=steps.get(_MATCHED, 0) // 2,  # both of a match take the step at once
        spent_ms=of("ms:"),
        ends=of("end:"),
        forced=int(counts.get("forced", 0)),
    )


def _total(counts: Iterator[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for some in counts:
        total.update(some)
    return total


def _per_minute(total: Mapping[str, int]) -> dict[str, float]:
    return {name: count / _RATE_MINUTES for name, count in total.items()}


def _means(steps: Mapping[str, int], spent_ms: Mapping[str, int]) -> Iterator[tuple[str, float]]:
    for state, total in spent_ms.items():
        left = sum(count for step, count in steps.items() if step.startswith(f"{state}>"))
        if left:
            yield state, total / left
