"""What operators do: lead a user to a state, remove users and rooms. All of it is logged with its reason."""

from typing import Any

import structlog

from dormparty_sse.domain.endings import Reason
from dormparty_sse.domain.errors import UnknownRoom
from dormparty_sse.domain.models import Commit, Step, UserRef
from dormparty_sse.domain.names import parse_room_name
from dormparty_sse.domain.states import State
from dormparty_sse.livekit.rooms import Rooms
from dormparty_sse.services.commits import Commits
from dormparty_sse.store.control import Control
from dormparty_sse.store.store import Store

log = structlog.get_logger()

_REMOVED_AT_ONCE = 50


class Administration:
    """Each may raise StateAway, and can then be repeated."""

    def __init__(self, store: Store, rooms: Rooms, commits: Commits) -> None:
        self._control = Control(store)
        self._rooms = rooms
        self._commits = commits

    async def transition(self, user: UserRef, to: State, reason: str) -> dict[str, Any]:
        """Leads a user to a state, whatever it takes. Raises InvalidTransition and UnknownUser."""
        step = Step(user_id=user.user_id, to_state=to)
        commit = await self._commits.run(self._control.transition(user.pool, [step], force=True))
        log.warning("user_forced", pool=user.pool, user_id=user.user_id, to_state=to, reason=reason)
        return {"userId": user.user_id, "state": to, "transitions": _transitions(commit)}

    async def cleanup_user(self, user: UserRef, reason: str) -> dict[str, Any]:
        """Removes a user, whatever state its record is in."""
        commit = await self._commits.run(self._control.cleanup_user(user))
        log.warning("user_removed", pool=user.pool, user_id=user.user_id, reason=reason)
        return {"userId": user.user_id, "transitions": _transitions(commit)}

    async def cleanup_pool(self, pool: str, reason: str) -> dict[str, Any]:
        """Removes everybody who is in a pool when this begins, and ends everything in it.

        Those whose streams are open come back, as new users, and stay.
        """
        removed = 0
        commit: Commit | None = None
        while commit is None or "at" in commit.fields:
            commit = await self._commits.run(self._control.cleanup_pool(pool, _REMOVED_AT_ONCE, commit))
            removed += commit.fields["removed"]
        log.warning("pool_removed", pool=pool, users=removed, reason=reason)
        return {"pool": pool, "removed": removed}

    async def delete_room(self, name: str, reason: str) -> dict[str, Any]:
        """Ends the match of a room of ours, and deletes the room. Raises UnknownRoom, RoomsAway."""
        pool, session_id = parse_room_name(name) or ("", "")
        if not pool:
            raise UnknownRoom
        commit = await self._commits.run(self._control.repair_match(pool, session_id, end=Reason.ADMIN))
        await self._rooms.delete(name)
        log.warning("room_removed", pool=pool, session_id=session_id, reason=reason)
        return {"roomName": name, "transitions": _transitions(commit)}


def _transitions(commit: Commit) -> list[dict[str, Any]]:
    return [
        {"userId": step.user_id, "from": step.from_state, "to": step.to_state, "seq": step.seq}
        for step in commit.transitions
    ]
