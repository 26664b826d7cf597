"""From samples to figures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.crowd import END_TO_PARTNER, ENQUEUE_TO_MATCH, REQUEUE_TO_MATCH, SENT_LATE, SKIP_TO_PARTNER
from bench.load import BURST, ROOM_CREATION

GOALS_MS = {ENQUEUE_TO_MATCH: 50, SKIP_TO_PARTNER: 25, ROOM_CREATION: 20}
_ROWS = [*GOALS_MS, REQUEUE_TO_MATCH, END_TO_PARTNER, BURST, SENT_LATE]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row. Times are in ms."""

    name: str
    count: int
    p50: float
    p99: float
    max: float
    goal: float | None  #: For p99.

    @property
    def met(self) -> bool:
        """Is p99 within the goal, if there is one?"""
        return self.goal is None or self.p99 <= self.goal


def figures(samples: dict[str, list[float]]) -> list[Figure]:
    """All rows, those with goals first. Samples are in seconds."""
    return [figure(name, samples.get(name, []), GOALS_MS.get(name)) for name in _ROWS]


def figure(name: str, samples: Sequence[float], goal_ms: float | None = None) -> Figure:
    """One row. Samples are in seconds."""
    ordered = sorted(samples)
    return Figure(
        name=name,
        count=len(ordered),
        p50=_percentile_ms(ordered, 0.50),
        p99=_percentile_ms(ordered, 0.99),
        max=_percentile_ms(ordered, 1),
        goal=goal_ms,
    )


def _percentile_ms(ordered: Sequence[float], share: float) -> float:
    """The smallest sample that at least this share of all samples does not exceed; NaN if there are none."""
    return ordered[math.ceil(share * len(ordered)) - 1] * 1000 if ordered else math.nan
