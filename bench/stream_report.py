"""The figures of the streams beside their goals, and beside those of the bare server."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.alone import verdict
from bench.stream_phases import STORM_S

Figures = dict[str, float]  #: By the name of a row.

MEMORY = "memory for each of {:,} idle streams, KiB"
CONNECTS = "connects a second"
P50 = "delivery at {:,} events a second, p50, ms"
P99 = "delivery at {:,} events a second, p99, ms"
LATE = "   sent later than planned at {:,} a second, p99, ms"
LOST = "   events lost at {:,} a second"
CPU = "processor time for an event at {:,} a second, µs"
HIGHEST = "most events a second without loss"
STORM_LOST = "all cut at once: events lost"
STORM_BACK = "all cut at once: everybody is back after, s"
TWO_LOST = "   with two processes: events lost"
TWO_BACK = "   with two processes: back after, s"

HOW = f"""\
Delivery counts from when an event was sent to Redis, so the commit is part of it, until the load generator
has read it from the stream's socket; medians of several slices. Events are appended to the user's log and
published by one script, as the service does it. Processor time is the server's and Redis's, and has in it
what the open streams cost without any event. A rate counts as without loss where, for 3 s, every event
arrives once, 97 % of the rate is reached, and p99 from the planned time is 1 s at most. In the storm all
streams are cut while 1,000 events a second go on for {STORM_S} s; they come back with Last-Event-ID, 200 at a
time. An event is lost if it has not arrived in the end.
The bare server is aiohttp-sse with a queue for each user, fed by PUBLISH: no log, so nothing is resumed.
Load generator, server and Redis share the cores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What is aimed at."""

    value: float
    at_least: bool = False  #: Else at most.

    def met(self, figure: float) -> bool:
        """Is it reached?"""
        return figure >= self.value if self.at_least else figure <= self.value


GOALS = {
    MEMORY.format(10_000): Goal(value=14),
    CONNECTS: Goal(value=5_500, at_least=True),
    P99.format(1_000): Goal(value=1.0),
    P99.format(3_000): Goal(value=2.0),
    LOST.format(1_000): Goal(value=0),
    LOST.format(3_000): Goal(value=0),
    CPU.format(3_000): Goal(value=150),
    HIGHEST: Goal(value=15_000, at_least=True),
    STORM_LOST: Goal(value=0),
    STORM_BACK: Goal(value=2.5),
    TWO_LOST: Goal(value=0),
    TWO_BACK: Goal(value=1.5),
}


def table(ours: Figures, bare: Figures) -> Iterator[str]:
    """The lines; the ratio is that of the service's figure to the bare server's."""
    yield f"{'':54}{'service':>10}{'bare':>10}{'ratio':>8}   goal"
    for name in ours | bare:
        figure, other, goal = ours.get(name), bare.get(name), GOALS.get(name)
        judged = f"   {goal.value:,g} {verdict(goal.met(figure))}" if goal and figure is not None else ""
        yield f"{name:54}{_number(figure)}{_number(other)}{_ratio(figure, other)}{judged}".rstrip()


def _number(figure: float | None) -> str:
    if figure is None:
        return f"{'':10}"
    return f"{figure:10,.0f}" if figure >= 100 or figure == int(figure) else f"{figure:10,.2f}"


def _ratio(figure: float | None, other: float | None) -> str:
    return f"{figure / other:8.2f}" if figure is not None and other else f"{'':8}"
