"""How much a stream costs and how fast it is, with log and resume: `python -m bench.streams`.

The same is measured on a bare aiohttp-sse server, in the same run. A quick form of it:
`python -m bench.streams --streams 1000 --phases idle,rates --seconds 2 --only service`.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
from redis.asyncio import Redis

from bench import stream_report as rows
from bench.alone import fresh_redis_server
from bench.errors import BenchError
from bench.generator import allow_files, generator
from bench.machine import machine
from bench.processes import memory_kib
from bench.stream_peers import bare_peer, service_peer
from bench.stream_phases import Servers, at_rate, highest_rate, open_streams, storm
from bench.stream_report import Figures
from dormparty_sse.dev.errors import DevError

_PEERS = ("service", "bare")
_PHASES = ("idle", "rates", "storm", "steps", "two")
_RATES = (1_000, 3_000)
_FEW = 10  # how much of all streams the first of the two looks at the memory are at


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is asked for."""

    streams: int
    phases: frozenset[str]
    slice_s: float  #: How long each of the slices of a rate is.


def main() -> int:
    """Measures and prints. The exit status is 1 for an error, not for a goal missed."""
    arguments = _parser().parse_args()
    plan = Plan(streams=arguments.streams, phases=frozenset(arguments.phases), slice_s=arguments.seconds)
    facts = {name: value for name, value in machine().items() if name != "livekit"}
    print(", ".join(f"{name} {value}" for name, value in facts.items()), flush=True)
    try:
        allow_files(plan.streams)
        figures = asyncio.run(_measure(plan, arguments.only))
    except (BenchError, DevError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print("\n" + "\n".join(rows.table(figures["service"], figures["bare"])))
    print(f"\n{rows.HOW}")
    if arguments.json:
        arguments.json.write_bytes(
            orjson.dumps({"machine": facts, "figures": figures}, option=orjson.OPT_INDENT_2)
        )
    return 0


async def _measure(plan: Plan, peers: list[str]) -> dict[str, Figures]:
    figures: dict[str, Figures] = {name: {} for name in _PEERS}
    for name in peers:
        async with _running(name, plan.streams) as servers:
            await _one_process(plan, name, servers, figures[name])
    if "two" in plan.phases and "service" in peers:
        async with _running("service", plan.streams, processes=2) as servers:
            await servers.generator.open(plan.streams)
            published = await storm(servers)
            figures["service"] |= {rows.TWO_LOST: published.lost, rows.TWO_BACK: published.back_s}
    return figures


async def _one_process(plan: Plan, name: str, servers: Servers, figures: Figures) -> None:
    print(f"\n{name}: {plan.streams:,} streams", flush=True)
    if "idle" in plan.phases:
        without = memory_kib(servers.server)
        few = plan.streams // _FEW
        idle = await open_streams(servers, few, 0, without)
        figures[rows.MEMORY.format(few)] = idle.kib
        idle = await open_streams(servers, plan.streams - few, few, without)
        figures[rows.MEMORY.format(plan.streams)] = idle.kib
        figures[rows.CONNECTS] = idle.connects
    else:
        await servers.generator.open(plan.streams)
    if "rates" in plan.phases:
        for rate in _RATES:
            steady = await at_rate(servers, rate, plan.slice_s)
            figures |= {
                rows.P50.format(rate): steady.p50,
                rows.P99.format(rate): steady.p99,
                rows.LATE.format(rate): steady.late_p99,
                rows.LOST.format(rate): steady.lost,
                rows.CPU.format(rate): steady.cpu_us,
            }
            shares = ", ".join(f"{process} {share:.0%}" for process, share in steady.shares.items())
            print(f"  share of a core at {rate:,} events a second: {shares}", flush=True)
    if "storm" in plan.phases:
        published = await storm(servers)
        figures |= {rows.STORM_LOST: published.lost, rows.STORM_BACK: published.back_s}
    if "steps" in plan.phases:
        figures[rows.HIGHEST] = await highest_rate(servers)


@asynccontextmanager
async def _running(name: str, streams: int, processes: int = 1) -> AsyncIterator[Servers]:
    with tempfile.TemporaryDirectory(prefix="dormparty-bench-") as folder:
        directory = Path(folder)
        async with fresh_redis_server() as redis_server, Redis.from_url(redis_server.url) as redis:
            if name == "service":
                peer = await service_peer(
                    directory, redis, redis_server.url, streams=streams, processes=processes
                )
            else:
                peer = bare_peer(directory, redis_server.url, streams=streams)
            async with peer.server, generator(directory, peer, redis_server.url) as running:
                yield Servers(generator=running, server=peer.server.pid, redis=redis_server.pid)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.streams", description=__doc__)
    parser.add_argument("--streams", type=int, default=10_000, help="streams of one process (10000)")
    parser.add_argument("--seconds", type=float, default=5, help="of each of three slices of a rate (5)")
    parser.add_argument(
        "--phases", type=_names(_PHASES), default=list(_PHASES), help=f"of {','.join(_PHASES)} (all)"
    )
    parser.add_argument(
        "--only", type=_names(_PEERS), default=list(_PEERS), metavar="PEER", help="service or bare (both)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file as JSON")
    return parser


def _names(known: tuple[str, ...]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        names = text.split(",")
        if unknown := set(names) - set(known):
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}")
        return names

    return parse


if __name__ == "__main__":
    sys.exit(main())
