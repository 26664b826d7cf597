"""What a user can do and ask. Each answer holds the user's state and seq."""

from collections.abc import Sequence
from typing import Any

from dormparty_sse.domain.actions import allowed_in
from dormparty_sse.domain.endings import Reason
from dormparty_sse.domain.errors import Barred, Forbidden, InvalidState, SkipCooldown, UnknownSession
from dormparty_sse.domain.models import Commit, UserRef
from dormparty_sse.domain.moderation import Bar
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.services.commits import Commits
from dormparty_sse.services.hints import Hints
from dormparty_sse.services.views import Views
from dormparty_sse.store.store import Store


class Actions:
    """The commands of the API. Each may raise StateAway, and InvalidState (see domain/actions.py)."""

    def __init__(
        self, store: Store, commits: Commits, views: Views, hints: Hints, *, stale_after_s: float
    ) -> None:
        self._store = store
        self._hints = hints
        self._commits = commits
        self._views = views
        self._stale_after_s = stale_after_s

    async def enqueue(self, user: UserRef, interests: Sequence[str]) -> dict[str, Any]:
        """Joins the queue. Raises Barred."""
        commit = await self._commits.run(self._store.enqueue(user, interests))
        _refuse(commit)
        if commit.outcome is Outcome.BARRED:
            raise Barred.by(Bar.of(commit.fields))
        already = commit.outcome is Outcome.ALREADY_QUEUED
        return _answer(commit) | self._views.queue(commit.fields) | {"alreadyQueued": already}

    async def skip(self, user: UserRef, session_id: str | None) -> dict[str, Any]:
        """Ends the match; both go on waiting. Raises Forbidden for other people's match, SkipCooldown."""
        commit = await self._commits.run(self._store.skip(user, session_id))
        if commit.outcome is Outcome.COOLING_DOWN:
            raise SkipCooldown.of(now=commit.now, until=commit.fields["cooldownUntil"])
        begins = {name: at for name, at in commit.fields.items() if name == "cooldownUntil"}
        return outcome_answer(commit) | begins

    async def end(self, user: UserRef, session_id: str | None) -> dict[str, Any]:
        """Goes home, from the match or the queue. Raises Forbidden for other people's match."""
        return outcome_answer(await self._commits.run(self._store.end(user, session_id)))

    async def leave(self, user: UserRef, session_id: str | None) -> dict[str, Any]:
        """The page is closed."""
        return outcome_answer(await self._commits.run(self._store.leave(user, session_id)))

    async def acknowledge_room_closing(self, user: UserRef, room_name: str) -> dict[str, Any]:
        """The client is out of the room."""
        return outcome_answer(await self._commits.run(self._store.acknowledge_room_closing(user, room_name)))

    async def heartbeat(self, user: UserRef) -> dict[str, Any]:
        """A sign of life, for clients without a stream."""
        commit = await self._commits.run(self._store.status(user))
        return _answer(commit) | {"staleAfterSeconds": self._stale_after_s}

    async def status(self, user: UserRef) -> dict[str, Any]:
        """Where the user stands."""
        commit = await self._commits.run(self._store.status(user))
        return self._views.snapshot(commit, user)

    async def check_match(self, user: UserRef) -> dict[str, Any]:
        """Is there a match? For clients that poll or doubt: LiveKit is asked who is in its room."""
        commit = await self._commits.run(self._store.status(user))
        if (doubted := commit.fields.get("match")) and await self._hints.doubt(user.pool, doubted):
            commit = await self._commits.run(self._store.status(user))
        match = commit.fields.get("match")
        return _answer(commit) | {
            "matched": match is not None,
            "match": self._views.match(match, user) if match else None,
        }

    async def check_disconnect(self, user: UserRef, session_id: str | None) -> dict[str, Any]:
        """Was the last match ended for the user? For clients that poll.

        The notification stays until the user joins the queue anew or the next one takes its place. With a
        `session_id` the question is about that match, otherwise about whether the user is without one now.
        A match that nobody knows (Redis may have lost it) is over for whoever believes in it.
        """
        commit = await self._commits.run(self._store.status(user, session_id))
        notification = commit.fields.get("notification")
        if session_id and (notification or {}).get("sessionId") != session_id:
            notification = _of_lost(session_id, commit) if commit.fields.get("lost") else None
        elif not session_id and "match" in commit.fields:
            notification = None
        return _answer(commit) | {
            "disconnected": notification is not None,
            "notification": self._views.notification(notification) if notification else None,
        }


def _answer(commit: Commit) -> dict[str, Any]:
    return {"state": commit.state, "seq": commit.seq}


def _of_lost(session_id: str, commit: Commit) -> dict[str, Any]:
    return {
        "sessionId": session_id,
        "reason": Reason.ROOM_FAILED,
        "timestamp": commit.now,
        "targetState": commit.state,
    }


def _refuse(commit: Commit) -> None:
    if commit.outcome is Outcome.INVALID_STATE:
        raise InvalidState(state=commit.state, allowed=allowed_in(commit.state))


def outcome_answer(commit: Commit) -> dict[str, Any]:
    """What an action did. Raises InvalidState, Forbidden, UnknownSession where it did nothing."""
    _refuse(commit)
    if commit.outcome is Outcome.FOREIGN_SESSION:
        raise Forbidden("The sessionId is a match of other people.")
    if commit.outcome is Outcome.UNKNOWN_SESSION:
        raise UnknownSession
    return _answer(commit) | {"outcome": commit.outcome}
