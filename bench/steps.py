"""Steps per second through the store, from one process and from two. Each is this module, run once more."""

import argparse
import asyncio
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import uvloop

from bench.alone import AT_ONCE, POOL, connected_store, fresh_redis, in_turn, verdict
from bench.errors import BenchError
from dormparty_sse.dev.places import ROOT
from dormparty_sse.domain.models import Step, UserRef
from dormparty_sse.domain.states import State
from dormparty_sse.store.control import Control
from dormparty_sse.store.store import Store

SECONDS = 5
_STEPS_AT_ONCE = 50
_CALLERS = {
    1: AT_ONCE,
    _STEPS_AT_ONCE: 16,
}  # at once, in each process, by the steps in each of their commands
_USERS = 5_000  # of each process
_GOALS = {1: 15_000, 2: 20_000}  # by processes; for pipelined use, whatever a command holds
_NAMES = {1: "one process", 2: "two processes"}
_READY = b"ready\n"


async def print_throughput() -> None:
    """Measures and prints."""
    print(f"\nSteps per second, pipelined ({SECONDS} s)")
    for at_once, what in ((_STEPS_AT_ONCE, f"{_STEPS_AT_ONCE} steps"), (1, "one step")):
        title = f"{what} in each command, {_CALLERS[at_once]} callers in each process"
        for processes, goal in _GOALS.items():
            rate = await _rate(processes, at_once)
            print(
                f"  {title:56}{_NAMES[processes]:15}{rate:10,.0f}   goal {goal:,} {verdict(rate >= goal)}",
                flush=True,
            )


async def _rate(processes: int, at_once: int) -> float:
    """Of all together: they begin at the same moment, when the last of them has its users."""
    async with fresh_redis() as url, AsyncExitStack() as stack:
        workers = [
            await stack.enter_async_context(_worker(url, number + 1, at_once)) for number in range(processes)
        ]
        for worker in workers:
            if not worker.stdout or await worker.stdout.readline() != _READY:
                raise BenchError("a worker ended before it had begun")
        done = await asyncio.gather(*(worker.communicate(b"\n") for worker in workers))
    return sum(int(out) for out, _ in done) / SECONDS


@asynccontextmanager
async def _worker(url: str, number: int, at_once: int) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.steps", url, str(number), str(at_once),
        cwd=ROOT, stdin=PIPE, stdout=PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    if process.returncode:
        raise BenchError(f"a worker ended with status {process.returncode}")


async def _work(url: str, number: int, at_once: int) -> int:
    """Takes users to WAITING and home again; how many steps were taken in the time that is measured."""
    async with connected_store(url) as store:
        users = [UserRef(user_id=f"user-{number}-{index:012d}", pool=POOL) for index in range(_USERS)]
        await in_turn(users, store.register)
        chunks = [users[start : start + at_once] for start in range(0, _USERS, at_once)][: _CALLERS[at_once]]
        sys.stdout.buffer.write(_READY)
        sys.stdout.flush()
        sys.stdin.readline()
        end = time.perf_counter() + SECONDS
        return sum(await asyncio.gather(*(_there_and_back(store, chunk, end) for chunk in chunks)))


async def _there_and_back(store: Store, users: list[UserRef], end: float) -> int:
    """Steps whose answers came before the end."""
    control = Control(store)
    steps, home = 0, True
    while True:
        home = not home
        if len(users) == 1:
            commit = await (store.end(users[0], None) if home else store.enqueue(users[0], []))
        else:
            to = State.IDLE if home else State.WAITING
            commit = await control.transition(
                POOL, [Step(user_id=user.user_id, to_state=to) for user in users]
            )
        if time.perf_counter() >= end:
            return steps
        steps += len(commit.transitions)


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.steps", description="One worker's share.")
    for name, kind in (("url", str), ("number", int), ("at_once", int)):
        parser.add_argument(name, type=kind)
    arguments = parser.parse_args()
    print(uvloop.run(_work(arguments.url, arguments.number, arguments.at_once)))


if __name__ == "__main__":
    _main()
