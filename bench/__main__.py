"""`python -m bench`: measures, prints a table, and with --json FILE writes the figures there too.

Exit status: 0 when measured, whether or not the goals are met; 1 for an error, a lost event or a violated
invariant.
"""

import argparse
import asyncio
import gc
import sys
import tempfile
from pathlib import Path

import uvloop

from bench.errors import BenchError
from bench.figures import figures
from bench.load import Measured, Plan, run
from bench.machine import machine
from bench.report import as_json, as_text
from bench.stack import running_stack
from dormparty_sse.dev.errors import DevError


def main() -> int:
    """Runs the bench of the arguments; returns the exit status."""
    arguments = _parser().parse_args()
    plan = Plan(
        users=arguments.users, rate=arguments.rate, warm_up_s=arguments.warm_up, seconds=arguments.seconds
    )
    facts = machine()
    gc.disable()  # the load generator's own pauses would be taken for the service's
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            measured = runner.run(_measure(plan, arguments.keep))
    except (BenchError, DevError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    rows = figures(measured.samples)
    print(as_text(plan, facts, measured, rows))
    if arguments.json:
        arguments.json.write_bytes(as_json(plan, facts, measured, rows))
    return 0


async def _measure(plan: Plan, keep: Path | None) -> Measured:
    with tempfile.TemporaryDirectory(prefix="dormparty-bench-") as directory:
        async with running_stack(keep or Path(directory)) as stack:
            return await run(plan, stack)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--users", type=int, default=1000, help="people on streams (1000)")
    parser.add_argument("--rate", type=float, default=25, help="calls that begin and end per second (25)")
    parser.add_argument("--warm-up", type=float, default=5, help="seconds that are not measured (5)")
    parser.add_argument("--seconds", type=float, default=40, help="seconds that are measured (40)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file as JSON")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave the servers' logs and data here")
    return parser


if __name__ == "__main__":
    sys.exit(main())
