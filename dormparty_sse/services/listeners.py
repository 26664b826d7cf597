"""Listeners: each is told everything in order, and one that raises or hangs disturbs nobody."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

from dormparty_sse.services.tasks import Tasks

log = structlog.get_logger()

T = TypeVar("T")

Listener = Callable[[T], Awaitable[None]]

_TIMEOUT_S = 5.0
_BACKLOG = 1_000


class Listeners(Generic[T]):
    """Those who want to hear of one kind of thing."""

    def __init__(self, tasks: Tasks, *, timeout_s: float = _TIMEOUT_S, backlog: int = _BACKLOG) -> None:
        self._tasks = tasks
        self._timeout_s = timeout_s
        self._backlog = backlog
        self._feeds: list[_Feed[T]] = []

    def add(self, listener: Listener[T]) -> Callable[[], None]:
        """From now on `listener` is told. Returns a function that ends this.

        It is awaited for at most 5 s for each thing. For one that falls behind by more than 1,000 things, the
        oldest are dropped.
        """
        feed = _Feed(listener, self._tasks, self._timeout_s, self._backlog)
        self._feeds.append(feed)
        return lambda: self._feeds.remove(feed)

    def tell(self, thing: T) -> None:
        """Returns at once."""
        for feed in self._feeds:
            feed.put(thing)


class _Feed(Generic[T]):
    """What one listener has still to be told."""

    def __init__(self, listener: Listener[T], tasks: Tasks, timeout_s: float, backlog: int) -> None:
        self._listener = listener
        self._tasks = tasks
        self._timeout_s = timeout_s
        self._things: deque[T] = deque(maxlen=backlog)
        self._running = False

    def put(self, thing: T) -> None:
        if len(self._things) == self._things.maxlen:
            log.warning("listener_behind", listener=repr(self._listener))
        self._things.append(thing)
        if not self._running:
            self._running = True
            self._tasks.spawn(self._tell_all())

    async def _tell_all(self) -> None:
        try:
            while self._things:
                await self._tell(self._things.popleft())
        finally:
            self._running = False

    async def _tell(self, thing: T) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._listener(thing)
        except TimeoutError:
            log.warning("listener_hangs", listener=repr(self._listener))
        except Exception:
            log.exception("listener_failed", listener=repr(self._listener))
