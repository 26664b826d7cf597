"""Waiting for conditions instead of sleeping."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

#: Enough on a slow and busy machine. What has to happen sooner is waited for with a time of its own.
PATIENCE_S = 20
_LOOK_EVERY_S = 0.02


async def eventually(look: Callable[[], Awaitable[T]], timeout_s: float = PATIENCE_S, what: str = "") -> T:
    """Looks until `look` gives something true, and returns it. Fails after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not (seen := await look()):
        assert time.monotonic() < deadline, f"{what or look} is not so after {timeout_s} s: {seen!r}"
        await asyncio.sleep(_LOOK_EVERY_S)
    return seen
