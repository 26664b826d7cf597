"""Background work of a process: kept alive while it runs, awaited or cancelled when the process stops."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Collection, Coroutine
from contextvars import Context, copy_context
from typing import Any, TypeVar

import structlog

from dormparty_sse.domain.errors import DormPartyError

log = structlog.get_logger()

T = TypeVar("T")

_CANCEL_AGAIN_S = 0.2
_TURN_S = 0.005  # between the turns of a round, at least
_GOLDEN_RATIO = 0.6180339887498949  # whose multiples are spread evenly
_WORTH_A_TURN = 10  # of whatever it goes round; with fewer there are fewer turns


class Tasks:
    """A set of running tasks. What they raise is logged, since nobody awaits them."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, T], context: Context | None = None) -> asyncio.Task[T]:
        """Starts `work` and forgets it. Its log lines bear what `context` has bound, by default nothing."""
        task = asyncio.get_running_loop().create_task(work, context=context or Context())
        self._running.add(task)
        task.add_done_callback(self._done)
        return task

    async def see_through(self, work: Coroutine[Any, Any, T]) -> T:
        """Awaits `work`, which goes on also when whoever awaits it is cancelled."""
        return await asyncio.shield(self.spawn(work, copy_context()))

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if isinstance(error, DormPartyError):
            log.warning(
                "task_failed",
                task=task.get_name(),
                error=error.code,
                detail=error.detail,
                cause=repr(error.__cause__),
            )
        else:
            log.error("task_crashed", task=task.get_name(), exc_info=error)

    async def finish(self, timeout_s: float) -> None:
        """Waits for what is running, and what that starts, at most so long; then cancels the rest."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + timeout_s
        while self._running and clock() < deadline:
            await asyncio.wait(self._running, timeout=deadline - clock())
        await cancel(self._running)


async def cancel(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Returns once all of these are done.

    A task may lose a cancellation: before Python 3.12, `asyncio.wait_for` drops one that comes just as its
    inner call ends, and the Redis client uses it. So each is cancelled until it listens.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_AGAIN_S)


async def every(interval_s: float, work: Callable[[], Awaitable[None]], name: str) -> None:
    """Calls `work()` again and again, every `interval_s`. A failure is logged and does not end it."""
    clock = asyncio.get_running_loop().time
    due = clock()
    while True:
        due = max(due + interval_s, clock())
        await asyncio.sleep(due - clock())
        await _attempt(work(), name)


async def go_round(
    interval_s: float,
    everybody: Callable[[], list[T]],
    work: Callable[[list[T]], Awaitable[None]],
    name: str,
) -> None:
    """Calls `work` with some of `everybody` at a time, so that the turn of each comes every `interval_s`.

    A failure is logged and does not end it. What was late is made up for.
    """
    clock = asyncio.get_running_loop().time
    begin = clock()
    while True:
        begin = max(begin + interval_s, clock())
        await asyncio.sleep(begin - clock())
        all_of_them = everybody()
        count = max(1, min(math.ceil(len(all_of_them) / _WORTH_A_TURN), int(interval_s / _TURN_S)))
        turns: list[list[T]] = [[] for _ in range(count)]
        for one in all_of_them:
            turns[int(_place(one) * count)].append(one)
        for number, some in enumerate(turns):
            await asyncio.sleep(max(0, begin + number * interval_s / count - clock()))
            if some:
                await _attempt(work(some), name)


def _place(one: object) -> float:
    """Where in a round its turn is, from 0 to 1: always the same, whoever else comes and goes."""
    return (id(one) >> 4 & 0xFFFF) * _GOLDEN_RATIO % 1


async def _attempt(work: Awaitable[None], name: str) -> None:
    try:
        await work
    except DormPartyError as error:
        log.warning(
            "round_failed",
            work=name,
            error=error.code,
            detail=error.detail,
            cause=repr(error.__cause__),
        )
    except Exception:
        log.exception("round_crashed", work=name)
