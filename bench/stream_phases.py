"""What is done with the streams of one server, and what is read off meanwhile."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from bench.generator import Generator, Published
from bench.processes import busy_s, memory_kib, processor_s

_SETTLE_S = 6  # more than the time between two pings
_SLICES = 3  # of a rate; the figure is the median, so a neighbour's burst moves nothing
_STEPS = (2_000, 4_000, 6_000, 8_000, 10_000, 12_000, 15_000, 18_000, 21_000, 25_000, 30_000)
_STEP_S = 3
_STEP_TRIES = 2
_SUSTAINED_SHARE, _SUSTAINED_P99_MS = 0.97, 1_000
_SERVER, _REDIS = "server", "Redis"
_STORM_RATE, STORM_S, _CUT_AT_S = 1_000, 12, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Who does the work."""

    generator: Generator
    server: int  #: Process id.
    redis: int  #: Likewise.


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """Streams that get nothing but pings."""

    kib: float  #: For each.
    connects: float  #: A second.


@dataclass(frozen=True, slots=True, kw_only=True)
class Steady:
    """Events at a rate that does not change; medians of several slices. Times are in ms."""

    p50: float
    p99: float
    late_p99: float  #: How late the generator sent.
    lost: int  #: In all slices.
    cpu_us: float  #: For each event, of the server and Redis.
    shares: dict[str, float]  #: Of a core, by process.


async def open_streams(servers: Servers, streams: int, already: int, without_kib: int) -> Idle:
    """Opens so many more. `without_kib`: the server's memory before the first of all."""
    opened = await servers.generator.open(streams)
    await asyncio.sleep(_SETTLE_S)
    kib = (memory_kib(servers.server) - without_kib) / (already + streams)
    return Idle(kib=kib, connects=streams / opened.seconds)


async def at_rate(servers: Servers, rate: float, slice_s: float) -> Steady:
    """Publishes at this rate, several times."""
    published: list[Published] = []
    cpu_us: list[float] = []
    shares: list[dict[str, float]] = []
    for _ in range(_SLICES):
        before, since = _used(servers), time.perf_counter()
        done = await servers.generator.publish(rate, slice_s)
        after, took = _used(servers), time.perf_counter() - since
        used = {name: after[name] - before[name] for name in after}
        published.append(done)
        cpu_us.append((used[_SERVER] + used[_REDIS]) / done.events * 1e6)
        shares.append({name: seconds / took for name, seconds in used.items()})

    def middle(figure: Callable[[Published], float]) -> float:
        return median(map(figure, published))

    return Steady(
        p50=middle(lambda each: each.p50),
        p99=middle(lambda each: each.p99),
        late_p99=middle(lambda each: each.late_p99),
        lost=sum(each.lost for each in published),
        cpu_us=median(cpu_us),
        shares={name: median(each[name] for each in shares) for name in shares[0]},
    )


async def highest_rate(servers: Servers) -> int:
    """Events a second that all arrive, none of them a second late; 0 if not even the lowest step's do."""
    highest = 0
    for rate in _STEPS:
        if not await _sustains(servers, rate):
            break
        highest = rate
    return highest


async def _sustains(servers: Servers, rate: int) -> bool:
    for _ in range(_STEP_TRIES):
        step = await servers.generator.publish(rate, _STEP_S)
        await servers.generator.open(0)  # whoever was cut off is to be back
        complete = step.lost == 0 and step.again == 0 and step.ended == 0
        if complete and step.rate >= _SUSTAINED_SHARE * rate and step.planned_p99 <= _SUSTAINED_P99_MS:
            return True
    return False


async def storm(servers: Servers) -> Published:
    """All streams are cut while events go on, and come back."""
    return await servers.generator.publish(_STORM_RATE, STORM_S, _CUT_AT_S)


def _used(servers: Servers) -> dict[str, float]:
    used = {
        _SERVER: processor_s(servers.server),
        _REDIS: processor_s(servers.redis),
        "load generator": processor_s(servers.generator.pid),
    }
    return used | {"everything else on this machine": busy_s() - sum(used.values())}
