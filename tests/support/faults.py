"""Faults: a server that hangs, and what the service says when one is away."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dormparty_sse.dev.server import Server
from tests.support.stack import Stack
from tests.support.waiting import eventually


@contextmanager
def held_still(server: Server) -> Iterator[None]:
    """The server takes connections and answers none, until the context ends."""
    pid = server.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        deadline = time.monotonic() + 5
        while not _stands_still(pid):
            assert time.monotonic() < deadline, "the server does not stand still"
            time.sleep(0.001)
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _stands_still(pid: int) -> bool:
    """Has every thread stopped? On a busy machine the others go on until the first has taken the signal."""
    stats = Path(f"/proc/{pid}/task").glob("*/stat")
    return all(stat.read_text().rpartition(")")[2].split()[0] == "T" for stat in stats)


def workers(service: Server) -> set[int]:
    """The processes that serve: children of the one that was started."""
    pid = service.pid
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def append_only_file(redis: Server) -> Path:
    """The file that this Redis writes to now; since Redis 7 it has several, in a directory of their own."""
    assert redis.log
    files = redis.log.parent.rglob("*.aof")
    return max(files, key=lambda file: file.stat().st_mtime)


async def readiness(stack: Stack) -> tuple[int, dict[str, Any]]:
    """(status, answer) of `readyz`."""
    async with stack.http.get(f"{stack.url}/readyz") as answer:
        return answer.status, await answer.json()


async def is_ready(stack: Stack) -> None:
    """Waits until the service says that it is ready."""

    async def ready() -> bool:
        return (await readiness(stack))[0] == 200

    await eventually(ready, what="readyz")


async def misses(stack: Stack, part: str) -> dict[str, Any]:
    """Waits until `readyz` says that this part is down; its answer."""

    async def look() -> dict[str, Any] | None:
        status, answer = await readiness(stack)
        return answer if status == 503 and answer[part]["state"] == "down" else None

    answer = await eventually(look, what=f"readyz without {part}")
    assert answer
    return answer
