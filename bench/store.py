"""How fast the state layer is by itself, without HTTP and LiveKit: `python -m bench.store`.

Steps per second from one process and from two, the time of a single step with 100,000 users, Redis's memory
per user in each state, and how the time of each command grows with the number of users.
"""

import argparse
import random
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import uvloop
from redis.asyncio import Redis

from bench.alone import POOL, connected_store, fresh_redis, in_turn, verdict
from bench.machine import machine
from bench.simulated_livekit import participant_sid
from bench.steps import print_throughput
from dormparty_sse.domain.models import Reservation, UserRef
from dormparty_sse.domain.names import new_id, room_name
from dormparty_sse.domain.states import State
from dormparty_sse.store.store import Store

MANY = 100_000
SINGLES = 5_000
MEMORY_USERS = 4_000
SIZES = (1_000, 10_000, MANY)


def main() -> int:
    """Measures and prints; the exit status."""
    argparse.ArgumentParser(prog="python -m bench.store", description=__doc__).parse_args()
    print(", ".join(f"{name} {value}" for name, value in machine().items() if name != "livekit"))
    uvloop.run(_measure())
    return 0


async def _measure() -> None:
    await print_throughput()
    await _memory()
    await _growth_and_singles()


# Memory


async def _memory() -> None:
    print(
        f"\nRedis's memory per user, everything included (of {MEMORY_USERS:,} who went the usual way there)"
    )
    goals = {State.IDLE: 1.5, State.IN_CALL: 3.0}
    for state in State:
        async with fresh_redis() as url, connected_store(url) as store, Redis.from_url(url) as redis:
            await store.register(UserRef(user_id="first", pool=POOL))
            before = await _used_memory(redis)
            await bring(store, state, MEMORY_USERS)
            async for key in redis.scan_iter(f"{{{POOL}}}:operation:*", count=1_000):
                await redis.delete(key)  # gone by themselves after 10 s
            kib = (await _used_memory(redis) - before) / MEMORY_USERS / 1024
        goal = f"   goal {goals[state]:g} {verdict(kib <= goals[state])}" if state in goals else ""
        print(f"  {state:20}{kib:8.2f} KiB{goal}")


async def bring(store: Store, state: State, users: int) -> list[Reservation]:
    """So many new users come into this state, the usual way; their matches, if it is one of a match."""
    matches: list[Reservation] = []
    everybody = [UserRef(user_id=new_id(), pool=POOL) for _ in range(users)]
    await in_turn(everybody, store.register)
    if state is State.IDLE:
        return matches
    await in_turn(everybody, lambda user: store.enqueue(user, []))
    if state is State.WAITING:
        return matches
    while pairs := await store.reserve_pairs(POOL, [(name, room_name(POOL, name)) for name in _ids(50)]):
        matches += pairs
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
                    sid=participant_sid(user),
                    joined_at=1,
                )
            if state is State.DISCONNECTING:
                await store.skip(UserRef(user_id=pair.user1, pool=POOL), pair.session_id)
    return matches


def _ids(number: int) -> list[str]:
    return [new_id() for _ in range(number)]


async def _used_memory(redis: Redis) -> int:
    return int((await redis.info("memory"))["used_memory"])


# Single steps, and growth


@dataclass(frozen=True, slots=True)
class _Command:
    name: str
    call: Callable[[Store, UserRef], Awaitable[object]]


_TWO_HUNDRED = {f"user-{index:018d}": 0 for index in range(200)}
_COMMANDS = [
    _Command("enqueue", lambda store, user: store.enqueue(user, [])),
    _Command("status while WAITING", lambda store, user: store.status(user)),
    _Command("a stream opens", lambda store, user: store.open_stream(user, None)),
    _Command("signs of life of 200", lambda store, _: store.seen(POOL, _TWO_HUNDRED)),
    _Command("end", lambda store, user: store.end(user, None)),
    _Command("a look for pairs", lambda store, _: store.reserve_pairs(POOL, [("none", "none")])),
    _Command("a look at the deadlines", lambda store, _: store.run_deadlines(POOL, 50)),
]


async def _growth_and_singles() -> None:
    rng = random.Random(1)  # the same users in every run
    times: dict[str, list[float]] = {command.name: [] for command in _COMMANDS}
    async with fresh_redis() as url, connected_store(url) as store, Redis.from_url(url) as redis:
        users: list[UserRef] = []
        for size in SIZES:
            more = [UserRef(user_id=f"user-{index:018d}", pool=POOL) for index in range(len(users), size)]
            await in_turn(more, store.register)
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
    print(f"  p50 {p50:.2f}   p99 {p99:.2f}   goal for p99 5 {verdict(p99 <= 5)}")  # the goal


async def _singles(store: Store, users: list[UserRef]) -> list[float]:
    took = []
    for user in users:
        started = time.perf_counter()
        await store.enqueue(user, [])
        took.append(time.perf_counter() - started)
    return sorted(took)


if __name__ == "__main__":
    sys.exit(main())
