"""How fast the state layer is by itself, without HTTP and LiveKit: `python -m bench.store`.

Steps per second from one process and from two, the time of a single step with 100,000 users, Redis's memory
per user in each state, and how the time of each command grows with the number of users.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import uvloop
from redis.asyncio import Redis

from bench.errors import BenchError
from bench.machine import machine
from dormparty_sse.dev.network import free_port
from dormparty_sse.dev.places import ROOT
from dormparty_sse.dev.redis_server import redis_server
from dormparty_sse.domain.models import Step, UserRef
from dormparty_sse.domain.names import new_id, room_name
from dormparty_sse.domain.rules import Rules
from dormparty_sse.domain.states import State
from dormparty_sse.settings import Settings
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.control import Control
from dormparty_sse.store.store import Store

POOL = "main"
#: So that nobody is called away while others are still coming.
RULES = Rules(
    stale_after_ms=3_600_000, unreachable_after_ms=3_600_000, connect_timeout_ms=3_600_000,
    leave_timeout_ms=3_600_000, user_ttl_ms=7_200_000,
)  # fmt: skip
SECONDS = 5
STEPS_AT_ONCE = 50
CALLERS = {1: 256, STEPS_AT_ONCE: 16}  #: At once, in each process, by the steps in each of their commands.
USERS_PER_PROCESS = 5_000
MANY = 100_000
SINGLES = 5_000
MEMORY_USERS = 4_000
SIZES = (1_000, 10_000, MANY)

GOALS = {
    "one process": 15_000,
    "two processes": 20_000,
}


def main() -> int:
    """Measures and prints; the exit status."""
    arguments = _parser().parse_args()
    if arguments.worker:
        print(json.dumps(uvloop.run(_work(arguments.url, arguments.worker, arguments.at_once))))
        return 0
    print(", ".join(f"{name} {value}" for name, value in machine().items() if name != "livekit"))
    uvloop.run(_measure())
    return 0


async def _measure() -> None:
    await _throughput()
    await _memory()
    await _growth_and_singles()


# Steps per second


async def _throughput() -> None:
    print(f"\nSteps per second ({SECONDS} s)")
    for steps, at_once in (
        (f"{STEPS_AT_ONCE} steps in each command", STEPS_AT_ONCE),
        ("one step in each command", 1),
    ):
        title = f"{steps}, {CALLERS[at_once]} callers in each process"
        for processes, name in ((1, "one process"), (2, "two processes")):
            async with _fresh_redis() as url:
                done = await asyncio.gather(
                    *(_worker(url, number + 1, at_once) for number in range(processes))
                )
            rate = sum(done) / SECONDS
            goal = f"   goal {GOALS[name]:,} {_met(rate >= GOALS[name])}" if at_once > 1 else ""
            print(f"  {title:56}{name:15}{rate:10,.0f}{goal}")


async def _worker(url: str, number: int, at_once: int) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.store", "--url", url, "--worker", str(number), "--at-once", str(at_once),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    if process.returncode:
        raise BenchError(f"a worker ended with status {process.returncode}")
    return int(json.loads(out))


async def _work(url: str, number: int, at_once: int) -> int:
    """Takes users to WAITING and home again; how many steps were taken in the time that is measured."""
    async with connected_store(url) as store:
        users = [
            UserRef(user_id=f"user-{number}-{index:012d}", pool=POOL) for index in range(USERS_PER_PROCESS)
        ]
        await _in_turn(users, store.register)
        control = Control(store)
        steps = 0
        end = time.perf_counter() + SECONDS

        async def call(mine: list[UserRef]) -> None:
            nonlocal steps
            home = True
            while time.perf_counter() < end:
                home = not home
                if at_once == 1:
                    commit = await (store.end(mine[0], None) if home else store.enqueue(mine[0], []))
                else:
                    to = State.IDLE if home else State.WAITING
                    asked = [Step(user_id=user.user_id, to_state=to) for user in mine]
                    commit = await control.transition(POOL, asked)
                steps += len(commit.transitions)

        starts = range(0, USERS_PER_PROCESS, at_once)
        chunks = [users[start : start + at_once] for start in starts][: CALLERS[at_once]]
        await asyncio.gather(*map(call, chunks))
    return steps


# Memory


async def _memory() -> None:
    print(
        f"\nRedis's memory per user, everything included (of {MEMORY_USERS:,} who went the usual way there)"
    )
    goals = {State.IDLE: 1.5, State.IN_CALL: 3.0}
    for state in State:
        async with _fresh_redis() as url, connected_store(url) as store, Redis.from_url(url) as redis:
            await store.register(UserRef(user_id="first", pool=POOL))
            before = await _used_memory(redis)
            await _bring(store, state, MEMORY_USERS)
            async for key in redis.scan_iter(f"{{{POOL}}}:operation:*", count=1_000):
                await redis.delete(key)  # gone by themselves after 10 s
            kib = (await _used_memory(redis) - before) / MEMORY_USERS / 1024
        goal = f"   goal {goals[state]:g} {_met(kib <= goals[state])}" if state in goals else ""
        print(f"  {state:20}{kib:8.2f} KiB{goal}")


async def _bring(store: Store, state: State, users: int) -> None:
    everybody = [UserRef(user_id=new_id(), pool=POOL) for _ in range(users)]
    await _in_turn(everybody, store.register)
    if state is State.IDLE:
        return
    await _in_turn(everybody, lambda user: store.enqueue(user, []))
    if state is State.WAITING:
        return
    sids = count()
    while pairs := await store.reserve_pairs(POOL, [(name, room_name(POOL, name)) for name in _ids(50)]):
        for pair in pairs:
            await store.open_match(pair, f"RM_{new_id()[:12]}")
            if state is State.CONNECTING:
                continue
            for user in (pair.user1, pair.user2):
                await store.participant_joined(
                    POOL,
                    event_id="",
                    session_id=pair.session_id,
                    user_id=user,
                    sid=f"PA_{next(sids):012d}",
                    joined_at=1,
                )
            if state is State.DISCONNECTING:
                await store.skip(UserRef(user_id=pair.user1, pool=POOL), pair.session_id)


def _ids(number: int) -> list[str]:
    return [new_id() for _ in range(number)]


async def _used_memory(redis: Redis) -> int:
    return int((await redis.info("memory"))["used_memory_dataset"])


# Single steps, and growth


@dataclass(frozen=True, slots=True)
class _Command:
    name: str
    call: Callable[[Store, UserRef], Awaitable[object]]


_COMMANDS = [
    _Command("enqueue", lambda store, user: store.enqueue(user, [])),
    _Command("status while WAITING", lambda store, user: store.status(user)),
    _Command("a stream opens", lambda store, user: store.open_stream(user, None)),
    _Command("signs of life of 200", lambda store, user: store.seen(POOL, [user.user_id] * 200)),
    _Command("end", lambda store, user: store.end(user, None)),
    _Command("a look for pairs", lambda store, _: store.reserve_pairs(POOL, [("none", "none")])),
    _Command("a look at the deadlines", lambda store, _: store.run_deadlines(POOL, 50)),
]


async def _growth_and_singles() -> None:
    rng = random.Random(1)  # the same users in every run
    times: dict[str, list[float]] = {command.name: [] for command in _COMMANDS}
    async with _fresh_redis() as url, connected_store(url) as store, Redis.from_url(url) as redis:
        users: list[UserRef] = []
        for size in SIZES:
            more = [UserRef(user_id=f"user-{index:018d}", pool=POOL) for index in range(len(users), size)]
            await _in_turn(more, store.register)
            users += more
            sample = rng.sample(users, 500)
            for command in _COMMANDS:
                await redis.config_resetstat()
                for user in sample:
                    await command.call(store, user)
                stats = (await redis.info("commandstats"))["cmdstat_evalsha"]
                times[command.name].append(float(stats["usec_per_call"]))
        singles = await _singles(store, rng.sample(users, SINGLES))
    print("\nRedis's time for a command, µs, with so many users" + "".join(f"{size:>10,}" for size in SIZES))
    for name, row in times.items():
        print(f"  {name:48}" + "".join(f"{value:10.0f}" for value in row))
    p50, p99 = singles[len(singles) // 2] * 1000, singles[len(singles) * 99 // 100] * 1000
    print(f"\nA single step, one after the other, {MANY:,} users in Redis (ms)")
    print(f"  p50 {p50:.2f}   p99 {p99:.2f}   goal for p99 5 {_met(p99 <= 5)}")  # the goal


async def _singles(store: Store, users: list[UserRef]) -> list[float]:
    took = []
    for user in users:
        started = time.perf_counter()
        await store.enqueue(user, [])
        took.append(time.perf_counter() - started)
    return sorted(took)


# What all of them need


@asynccontextmanager
async def connected_store(url: str) -> AsyncIterator[Store]:
    """A store as the service has it, by its default settings."""
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    connection = Connection(
        url,
        pool_size=defaults["redis_pool_size"],
        connect_timeout_s=defaults["redis_connect_timeout"],
        command_timeout_s=defaults["redis_command_timeout"],
        max_retries=defaults["redis_max_retries"],
    )
    try:
        yield Store(connection, RULES)
    finally:
        await connection.aclose()


@asynccontextmanager
async def _fresh_redis() -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory(prefix="dormparty-bench-") as directory:
        async with redis_server(Path(directory), free_port()) as server:
            yield server.url


async def _in_turn(users: list[UserRef], call: Callable[[UserRef], Awaitable[object]]) -> None:
    """Calls for every user, many at a time."""
    rest = iter(users)

    async def caller() -> None:
        for user in rest:
            await call(user)

    await asyncio.gather(*(caller() for _ in range(CALLERS[1])))


def _met(met: bool) -> str:  # noqa: FBT001  # it is all there is to say
    return "ok" if met else "MISSED"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.store", description=__doc__)
    for name, kind in (("--url", str), ("--worker", int), ("--at-once", int)):
        parser.add_argument(name, type=kind, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
