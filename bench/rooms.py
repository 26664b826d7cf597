"""Whether nobody stays alone: `python -m bench.rooms`.

How long it takes to compare LiveKit's rooms with Redis, and how soon a partner knows that somebody has gone.
"""

import sys
import tempfile
from pathlib import Path

import aiohttp

from bench import departures, program, reconciliation
from bench.client import Client
from bench.figures import figure
from bench.load import until_sound
from bench.report import HEADER, row
from bench.stack import running_stack

_RECONCILIATION_MS, _MEMORY_MIB = 1_000, 50  # the goals, both for the 5,000 rooms
_HOW = """\
Each reconciliation runs in a process that does nothing else, on matches made by the store's commands. MiB
is what this process has grown by, at its highest. LiveKit lists all rooms; looked into are those that seem
not to be as Redis has them, 200 at most, and 50 of the others.

Those who go were in a call; the clock runs from the act until the partner's stream says so. Who leaves the
LiveKit room is in it; of the others the load generator has said so, signed as LiveKit signs it. A browser
that dies has 3 s to come back. A network vanishes by a filter in the kernel that drops what comes.
Everything shares the cores."""


def main() -> int:
    """Measures and prints; returns the exit status."""
    return program.run("bench.rooms", __doc__, _measure, _HOW)


async def _measure() -> None:
    with tempfile.TemporaryDirectory(prefix="dormparty-bench-") as directory:
        await _reconciliation(Path(directory) / "reconciliation")
        await _departures(Path(directory) / "departures")


async def _reconciliation(directory: Path) -> None:
    print(f"\n{'Reconciliation (ms), run ' + str(reconciliation.RUNS) + ' times':66}", end="")
    print(f"{'p50':>8}{'max':>8}{'MiB':>8}   looks   goal for max, MiB")
    async for measured in reconciliation.measure(directory):
        times = figure(measured.name, measured.seconds)
        goal = ""
        if measured.rooms == reconciliation.SIMULATED:
            met = times.max <= _RECONCILIATION_MS and measured.grown_mib <= _MEMORY_MIB
            goal = f"   {_RECONCILIATION_MS}, {_MEMORY_MIB} {'ok' if met else 'MISSED'}"
        print(
            f"{measured.name:66}{times.p50:8.1f}{times.max:8.1f}{measured.grown_mib:8.1f}"
            f"{measured.looked_into:8}{goal}",
            flush=True,
        )


async def _departures(directory: Path) -> None:
    print(f"\n{HEADER}")
    async with (
        running_stack(directory) as stack,
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
        ) as http,
    ):
        client = Client(http, stack.service.url)
        for way in departures.WAYS:
            samples = await departures.measure(client, way)
            print(row(figure(f"{way.name} → the partner is free", samples.freed, way.goal_ms)), flush=True)
            if way.warns:
                print(row(figure(f"{way.name} → partner-reconnecting", samples.warned)), flush=True)
        await until_sound(client)


if __name__ == "__main__":
    sys.exit(main())
