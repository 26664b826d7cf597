"""How long a comparison of LiveKit's rooms with Redis takes, and how much memory.

Each is measured in a process of its own, `python -m bench.reconciliation`, which does nothing else.
"""

import argparse
import asyncio
import base64
import json
import math
import re
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop
from livekit import api

from bench.alone import connected_store, fresh_redis
from bench.errors import BenchError
from bench.simulated_livekit import Rooms as SimulatedRooms
from bench.simulated_livekit import simulated_livekit
from bench.stack import KEY
from bench.store import bring
from dormparty_sse.dev.livekit_server import LiveKitPorts, livekit_server
from dormparty_sse.dev.network import free_port
from dormparty_sse.dev.places import ROOT
from dormparty_sse.domain.clock import Clock
from dormparty_sse.domain.models import Reservation
from dormparty_sse.domain.states import State
from dormparty_sse.livekit.rooms import Rooms
from dormparty_sse.livekit.tokens import TokenMint
from dormparty_sse.services.commits import Commits
from dormparty_sse.services.metrics import Metrics
from dormparty_sse.services.reconcile import Reconciler
from dormparty_sse.services.tasks import Tasks

REAL = (10, 1_000)  #: Rooms in the real LiveKit.
SIMULATED = 5_000
RUNS = 20
_PEOPLE = 2
_TIMEOUT_S = 3  # as LIVEKIT_TIMEOUT_S
_CALLS_AT_ONCE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Of one number of rooms."""

    name: str
    rooms: int
    looked_into: int  #: Rooms, in each run.
    seconds: list[float]
    grown_mib: float  #: The process's memory at its highest over what it was before; NaN where unknown.


async def measure(directory: Path) -> AsyncIterator[Measured]:
    """All of it. Raises BenchError."""
    ports = LiveKitPorts(api=free_port(), media=free_port(socket.SOCK_DGRAM))
    async with livekit_server(directory / "livekit", ports, KEY, []) as livekit:
        for number in REAL:
            yield await _real(livekit.url, number)
        template = await _template(livekit.url)
    for counted, name in ((_PEOPLE, "all in order"), (0, "none seems to be in order")):
        yield await _simulated(directory, template, counted, name)


async def _real(livekit: str, number: int) -> Measured:
    async with _matches(State.CONNECTING, number) as (redis, pairs), _rooms(livekit) as rooms:
        names = [pair.room_name for pair in pairs]
        try:
            await _for_each(names, rooms.create)
            return await _in_a_process(f"{number:,} rooms in LiveKit, nobody in them", redis, livekit, number)
        finally:
            await _for_each(names, rooms.delete)


async def _simulated(directory: Path, template: str, counted: int, name: str) -> Measured:
    async with _matches(State.IN_CALL, SIMULATED) as (redis, pairs):
        people = {pair.room_name: [pair.user1, pair.user2] for pair in pairs}
        rooms = SimulatedRooms(template=template, counted=counted, people=people)
        async with simulated_livekit(directory, rooms) as livekit:
            title = f"{SIMULATED:,} rooms in a simulated one, {name}"
            return await _in_a_process(title, redis, livekit, SIMULATED)


async def _template(livekit: str) -> str:
    """A room as the real LiveKit lists it."""
    async with _rooms(livekit) as rooms, api.LiveKitAPI(livekit, KEY.key, KEY.secret) as calls:
        await rooms.create("template")
        (room,) = (await calls.room.list_rooms(api.ListRoomsRequest())).rooms
        return base64.b64encode(room.SerializeToString()).decode()


@asynccontextmanager
async def _matches(state: State, number: int) -> AsyncIterator[tuple[str, Sequence[Reservation]]]:
    """A Redis with so many matches whose people are in this state: its URL, and the matches."""
    async with fresh_redis() as url, connected_store(url) as store:
        pairs = await bring(store, state, number * _PEOPLE)
        if len(pairs) != number:
            raise BenchError(f"{len(pairs)} matches instead of {number}")
        yield url, pairs


@asynccontextmanager
async def _rooms(livekit: str, clock: Clock | None = None) -> AsyncIterator[Rooms]:
    mint = TokenMint(api_key=KEY.key, api_secret=KEY.secret, clock=clock or Clock(), ttl_s=60)
    rooms = Rooms(livekit, mint, timeout_s=_TIMEOUT_S)
    try:
        yield rooms
    finally:
        await rooms.aclose()


async def _for_each(names: Sequence[str], call: Callable[[str], Awaitable[object]]) -> None:
    rest = iter(names)

    async def caller() -> None:
        for name in rest:
            await call(name)

    await asyncio.gather(*(caller() for _ in range(_CALLS_AT_ONCE)))


# The process that is measured


async def _in_a_process(name: str, redis: str, livekit: str, number: int) -> Measured:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.reconciliation", redis, livekit, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    if process.returncode:
        raise BenchError(f"a reconciliation ended with status {process.returncode}")
    measured = json.loads(out)
    if measured.pop("rooms") != [number] * RUNS:
        raise BenchError("not all rooms were seen")
    return Measured(name=name, rooms=number, **measured)


async def _work(redis: str, livekit: str) -> dict[str, object]:
    clock, tasks = Clock(), Tasks()
    async with connected_store(redis) as store, _rooms(livekit, clock) as rooms:
        reconciler = Reconciler(store, rooms, Commits(tasks), clock, Metrics())
        clock.learn(await store.time())
        before, seconds, all_findings = _memory_mib("VmRSS"), [], []
        for _ in range(RUNS):
            started = time.perf_counter()
            all_findings.append(await reconciler.run())
            seconds.append(time.perf_counter() - started)
    for findings in all_findings:
        if findings.discrepancies or not findings.livekit or findings.matches != findings.rooms:
            raise BenchError(f"there is nothing to find, and it found {findings}")
    return {
        "rooms": [findings.rooms for findings in all_findings],
        "looked_into": all_findings[0].looked_into,
        "seconds": seconds,
        "grown_mib": _memory_mib("VmHWM") - before,
    }


def _memory_mib(what: str) -> float:
    """Of this process; NaN where the system does not tell."""
    status = Path("/proc/self/status")
    found = re.search(rf"^{what}:\s+(\d+) kB", status.read_text(), re.MULTILINE) if status.exists() else None
    return int(found[1]) / 1024 if found else math.nan


def main() -> None:
    """Measures; prints it as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.reconciliation", description=__doc__)
    parser.add_argument("redis")
    parser.add_argument("livekit")
    arguments = parser.parse_args()
    print(json.dumps(uvloop.run(_work(arguments.redis, arguments.livekit))))


if __name__ == "__main__":
    main()
