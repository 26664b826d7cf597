"""How long people sat alone in a room, of all the time they were in calls: the figure of the fault tests."""

from collections import defaultdict
from dataclasses import dataclass, field

#: At most so long, in seconds, by what has happened.
GOALS_S = {
    "a page closes": 1,
    "a browser dies": 4,
    "a service process dies": 6,
    "LiveKit dies": 6,
    "a network vanishes": 21,
}


Data = dict[str, tuple[list[float], float]]  #: By what has happened: times alone, and time in calls; seconds.


@dataclass(slots=True)
class _Figures:
    alone_s: list[float] = field(default_factory=list)
    calls_s: float = 0


class AloneWatch:
    """What the tests of this run have seen."""

    def __init__(self) -> None:
        self._figures: dict[str, _Figures] = defaultdict(_Figures)  # by what has happened

    def was_alone(self, fault: str, seconds: float) -> None:
        """Somebody was, since its partner had gone."""
        self._figures[fault].alone_s.append(seconds)

    def was_in_call(self, fault: str, seconds: float) -> None:
        """One person was with its partner for so long."""
        self._figures[fault].calls_s += seconds

    def as_data(self) -> Data:
        """All of it, to be sent elsewhere."""
        return {fault: (figures.alone_s, figures.calls_s) for fault, figures in self._figures.items()}

    def add_data(self, data: Data) -> None:
        """What another process has seen."""
        for fault, (alone_s, calls_s) in data.items():
            self._figures[fault].alone_s += alone_s
            self._figures[fault].calls_s += calls_s

    def lines(self) -> list[str]:
        """The report; empty if nobody was in a call."""
        rows = [self._row(fault, figures) for fault, figures in sorted(self._figures.items())]
        calls_s = sum(figures.calls_s for figures in self._figures.values())
        if not calls_s:
            return rows
        alone_s = sum(sum(figures.alone_s) for figures in self._figures.values())
        return [
            *rows,
            f"alone: {alone_s / (calls_s / 3600):.1f} s per hour of call, {calls_s:.0f} s of calls",
        ]

    def _row(self, fault: str, figures: _Figures) -> str:
        longest = max(figures.alone_s, default=0)
        goal = GOALS_S.get(fault)
        verdict = "" if goal is None else f", goal {goal} s{'' if longest <= goal else ': MISSED'}"
        return f"{fault}: {len(figures.alone_s)} times alone, longest {longest:.2f} s{verdict}"


WATCH = AloneWatch()  #: Of this run; conftest.py prints it.
