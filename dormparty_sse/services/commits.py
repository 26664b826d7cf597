"""Runs the store's commands to their end, and tells the listeners what each one did."""

from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from dormparty_sse.domain.errors import DormPartyError
from dormparty_sse.domain.models import Commit
from dormparty_sse.services.listeners import Listeners
from dormparty_sse.services.tasks import Tasks

log = structlog.get_logger()

Reaction = Callable[[Commit], None]


class Commits:
    """Where every command passes that may change a user's state.

    A command outlives the request that gave it: a client that hangs up cancels its handler, but the script
    may have run already, and what must follow it (logging, matching, deadlines) must not be lost.
    """

    def __init__(self, tasks: Tasks) -> None:
        self.listeners: Listeners[Commit] = Listeners(tasks)  #: Told of each commit, soon.
        self.error_listeners: Listeners[DormPartyError] = Listeners(tasks)  #: Told of each failed command.
        self._tasks = tasks
        self._reactions: list[Reaction] = [log_transitions]

    def react(self, reaction: Reaction) -> None:
        """From now on `reaction` is called with each commit, before its command returns.

        For the parts of this process, which do not block. Whoever else wants to know is a listener.
        """
        self._reactions.append(reaction)

    async def run(self, command: Coroutine[Any, Any, Commit]) -> Commit:
        """Runs a command of the store. Raises what the command raises."""
        return await self._tasks.see_through(self._run(command))

    async def _run(self, command: Coroutine[Any, Any, Commit]) -> Commit:
        try:
            commit = await command
        except DormPartyError as error:
            self.error_listeners.tell(error)
            raise
        for reaction in self._reactions:
            try:
                reaction(commit)
            except Exception:
                log.exception("reaction_failed", reaction=repr(reaction))
        self.listeners.tell(commit)
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
