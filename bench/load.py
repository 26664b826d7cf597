"""The run itself: who does what, when, and for how long."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import orjson

from bench.client import Client
from bench.cpu import CpuTimes, cpu_times
from bench.crowd import ENQUEUE_TO_MATCH, Crowd
from bench.errors import BenchError
from bench.stack import Stack

ROOM_CREATION = "room creation, as the service sees it"
BURST = "burst: all press Start at once → new-match"

_SEED = 1  # the same people press the same buttons at the same times in every run
_COME_AT_ONCE = 50
_IN_CALLS = 0.8  # of all people, at most; the others are IDLE
_LONGEST_CALL_S = 20  # nobody is in the rooms, and such rooms LiveKit closes after 60 s
_QUIET_S = 20  # for what must happen in the end to happen
_POLL_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is asked for."""

    users: int
    rate: float  #: Calls that begin, and calls that end, per second.
    warm_up_s: float
    seconds: float  #: What is measured.


@dataclass(slots=True, kw_only=True)
class Measured:
    """What came out."""

    samples: dict[str, list[float]] = field(default_factory=dict)  #: Seconds, by what is measured.
    burst_s: float = 0  #: From the burst until the last of it was matched.
    cpu: CpuTimes = field(default_factory=dict)  #: Share of one core, by process.


async def run(plan: Plan, stack: Stack) -> Measured:
    """Carries the plan out. Raises BenchError for a wrong answer, a lost event or a violated invariant."""
    measured = Measured()
    connector = aiohttp.TCPConnector(limit=0)
    no_cookies = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(connector=connector, cookie_jar=no_cookies) as http:
        client = Client(http, stack.service.url)
        try:
            async with asyncio.TaskGroup() as tasks:
                crowd = Crowd(client, tasks, random.Random(_SEED))
                await _carry_out(plan, stack, crowd, measured)
                await _nothing_is_lost(client, crowd)
                crowd.go()
        except ExceptionGroup as errors:
            raise _first(errors) from errors
    return measured


async def _carry_out(plan: Plan, stack: Stack, crowd: Crowd, measured: Measured) -> None:
    print(f"{plan.users:,} people open their streams", flush=True)
    await crowd.come(plan.users, _COME_AT_ONCE)

    in_calls = round(min(plan.users / 2 * _IN_CALLS, plan.rate * _LONGEST_CALL_S))
    print(f"{in_calls * 2} of them press Start at once", flush=True)
    since = time.perf_counter()
    for _ in range(in_calls * 2):
        crowd.enqueue(since)
    await _until(lambda: crowd.calls == in_calls, f"{in_calls} calls after the burst")
    measured.samples[BURST] = crowd.samples[ENQUEUE_TO_MATCH]
    measured.burst_s = max(measured.samples[BURST])

    print(f"{plan.warm_up_s:g} s of warm-up, then {plan.seconds:g} s of measurement", flush=True)
    await _steadily(plan.rate, plan.warm_up_s, crowd)
    crowd.samples.clear()
    log_start = stack.service_log.stat().st_size
    cpu_before = cpu_times(stack)
    await _steadily(plan.rate, plan.seconds, crowd)
    cpu_after = cpu_times(stack)
    await _until(lambda: crowd.unanswered == 0, "everybody has heard of the end of the call")
    measured.samples |= crowd.samples
    measured.samples[ROOM_CREATION] = _room_creations(stack.service_log, log_start)
    measured.cpu = {name: (cpu_after[name] - cpu_before[name]) / plan.seconds for name in cpu_after}


async def _steadily(rate: float, seconds: float, crowd: Crowd) -> None:
    """Half of the calls end by Skip, half by End, and as many people press Start as went by End."""
    async with asyncio.TaskGroup() as presses:
        for seed, press in enumerate((crowd.enqueue, crowd.skip, crowd.end)):
            presses.create_task(_at_random(rate / 2, seconds, press, random.Random(_SEED + seed)))


async def _at_random(rate: float, seconds: float, press: Callable[[float], None], rng: random.Random) -> None:
    """Calls `press(when)` as a Poisson process: independent people, who wait for nobody's answer."""
    start = at = time.perf_counter()
    while (at := at + rng.expovariate(rate)) < start + seconds:
        await asyncio.sleep(max(0, at - time.perf_counter()))
        press(at)
    await asyncio.sleep(max(0, start + seconds - time.perf_counter()))


async def _nothing_is_lost(client: Client, crowd: Crowd) -> None:
    """Each stream has told all that its user went through, and the service's own audit finds nothing."""
    await until_sound(client)
    for person in crowd.people:
        status = await client.status(person.token)
        if status["seq"] != person.seq:
            raise BenchError(f"a stream stands at seq {person.seq}, its user at {status['seq']}")


async def until_sound(client: Client) -> None:
    """Returns once the service's own audit finds nothing. Raises BenchError."""
    deadline = time.perf_counter() + _QUIET_S
    while not (report := await client.audit())["ok"]:
        if time.perf_counter() > deadline:
            raise BenchError(f"the audit finds {report['invariants']}")
        await asyncio.sleep(1)


async def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.perf_counter() + _QUIET_S
    while not condition():
        if time.perf_counter() > deadline:
            raise BenchError(f"not so after {_QUIET_S} s: {what}")
        await asyncio.sleep(_POLL_S)


def _room_creations(log: Path, start: int) -> list[float]:
    """The times the service has logged since byte `start` of its log."""
    with log.open("rb") as lines:
        lines.seek(start)
        return [orjson.loads(line)["ms"] / 1000 for line in lines if b'"room_created"' in line]


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
