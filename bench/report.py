"""The figures, for people and as JSON."""

from collections.abc import Iterable
from dataclasses import asdict

import orjson

from bench.figures import Figure
from bench.load import Measured, Plan

_HOW = """\
Latencies count from when a request was planned, whether or not it could be sent then: people press buttons
at random times and wait for nobody's answer. Every request goes through the whole service. Rooms are made
and deleted in a real LiveKit, but nobody is in them: participant_joined and participant_left are signed and
sent by the load generator, 100 ms after new-match and 20 ms after room-closing; so LiveKit is not asked who
is in (bench.rooms measures that). Skip and End are pressed in the call. Of two who are matched, the clock
starts with the one who came later. Load generator, service, Redis and LiveKit share the cores."""

HEADER = f"{'ms':52}{'n':>7}{'p50':>8}{'p99':>8}{'max':>8}   goal for p99"


def as_text(plan: Plan, machine: dict[str, str], measured: Measured, figures: Iterable[Figure]) -> str:
    """The table and what is needed to judge it."""
    what = (
        f"{plan.users:,} users on streams in one service process. Per second {plan.rate:g} calls begin and "
        f"{plan.rate:g} end, half of them by Skip, half by End; {plan.seconds:g} s."
    )
    return "\n".join(
        [
            "",
            ", ".join(f"{name} {value}" for name, value in machine.items()),
            what,
            "",
            HEADER,
            *map(row, figures),
            "",
            f"The burst was over after {measured.burst_s:.2f} s.",
            "Share of a core: " + ", ".join(f"{name} {share:.0%}" for name, share in measured.cpu.items()),
            "",
            _HOW,
        ]
    )


def row(figure: Figure) -> str:
    """A line of the table."""
    goal = f"   {figure.goal:g} {'ok' if figure.met else 'MISSED'}" if figure.goal is not None else ""
    times = f"{figure.p50:8.1f}{figure.p99:8.1f}{figure.max:8.1f}"
    return f"{figure.name:52}{figure.count:7,}{times}{goal}"


def as_json(plan: Plan, machine: dict[str, str], measured: Measured, figures: Iterable[Figure]) -> bytes:
    """The same, for programs. Times are in ms."""
    return orjson.dumps(
        {
            "machine": machine,
            "plan": asdict(plan),
            "figures": [{**asdict(figure), "met": figure.met} for figure in figures],
            "burstSeconds": measured.burst_s,
            "shareOfACore": measured.cpu,
        },
        option=orjson.OPT_INDENT_2,
    )
