"""Runs the store's commands to their end, and tells the listeners what each one did."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any

import structlog

from dormparty_sse.domain.models import Commit
from dormparty_sse.services.tasks import Tasks

log = structlog.get_logger()

Listener = Callable[[Commit], None]


class Commits:
    """Where every command passes that may change a user's state.

    A command outlives the request that gave it: a client that hangs up cancels its handler, but the script
    may have run already, and what must follow it (logging, matching, deadlines) must not be lost.
    """

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._listeners: list[Listener] = [log_transitions]

    def listen(self, listener: Listener) -> None:
        """From now on, `listener` is told of each commit. It must not block; what it raises is logged."""
        self._listeners.append(listener)

    async def run(self, command: Coroutine[Any, Any, Commit]) -> Commit:
        """Runs a command of the store. Raises what the command raises."""
        return await asyncio.shield(self._tasks.spawn(self._run(command), copy_context()))

    async def _run(self, command: Coroutine[Any, Any, Commit]) -> Commit:
        commit = await command
        for listener in self._listeners:
            try:
                listener(commit)
            except Exception:
                log.exception("listener_failed", listener=repr(listener))
        return commit


def log_transitions(commit: Commit) -> None:
    """One line for each transition."""
    for step in commit.transitions:
        log.info(
            "transition",
            pool=commit.pool,
            user_id=step.user_id,
            from_state=step.from_state,
            to_state=step.to_state,
            reason=step.reason,
            duration_ms=step.duration_ms,
            seq=step.seq,
            session_id=step.session_id,
            forced=step.forced,
        )
