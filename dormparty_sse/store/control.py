"""What operators and programs do to users from outside: steps, repair, emergency cleanup.

Each method raises StateAway if Redis does not answer; repeating it is safe.
"""

from collections.abc import Sequence

import orjson

from dormparty_sse.domain.endings import Reason
from dormparty_sse.domain.errors import InvalidTransition, UnknownUser
from dormparty_sse.domain.models import Commit, Fields, Step, UserRef
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.domain.states import WAYS, State, within_reach
from dormparty_sse.store.store import Store

MOST_STEPS = 1_000  #: In one command; more would keep Redis busy for long.


class Control:
    """Whatever is asked for, the invariants hold afterwards."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def transition(self, pool: str, steps: Sequence[Step], *, force: bool = False) -> Commit:
        """Performs all steps, in order, or none.

        Without `force` each must be one step of the transition table. With it, a user is led all the way
        (a call ends, a partner is requeued), and each of its steps is recorded as forced. CONNECTING is out
        of reach: it takes two people and a room.

        Raises InvalidTransition, which names the first step that is not allowed (`index`, `userId`, `state`,
        `to`, `allowed`), and UnknownUser; nothing has happened then. Nobody may take a step whose record
        must be repaired first. Raises ValueError for over 1,000 steps.
        """
        if len(steps) > MOST_STEPS:
            raise ValueError(f"at most {MOST_STEPS} steps at once")
        commit = await self._store.run(
            "users_transition", pool, "force" if force else "perform", orjson.dumps(_plain(steps)).decode()
        )
        if commit.outcome is Outcome.INVALID_STEP:
            raise _refusal(commit)
        return commit

    async def allowed(self, user: UserRef, *, force: bool = False) -> list[State]:
        """Where `transition` would lead this user now, and does not. Raises UnknownUser."""
        start, _ = await self._stands(user.pool, user.user_id)
        return _allowed(start, force=force)

    async def check(self, pool: str, step: Step, *, force: bool = False) -> None:
        """Raises what `transition` would now for this one step, and does nothing.

        That a record is damaged may show only when the step is taken.
        """
        start, seq = await self._stands(pool, step.user_id)
        is_current = step.seq is None or step.seq == seq
        allowed = _allowed(start, force=force)
        if is_current and (step.to_state in allowed or (force and step.to_state == start)):
            return
        raise InvalidTransition(
            index=0, userId=step.user_id, state=start, seq=seq, to=step.to_state, allowed=sorted(allowed)
        )

    async def _stands(self, pool: str, user_id: str) -> tuple[str, int]:
        """The state, as the record has it, and the seq. To be asked for is no sign of life."""
        for _, state, _, seq in (await self._store.run("users_states", pool, user_id)).fields["users"]:
            return state, seq
        raise UnknownUser(index=0, userId=user_id)

    async def repair_user(self, user: UserRef) -> Commit:
        """Mends what does not hang together. `fields["repairs"]`: what, in words."""
        return await self._store.run("user_repair", user.pool, user.user_id)

    async def repair_match(
        self, pool: str, session_id: str, *, end: Reason | None = None, by: str = ""
    ) -> Commit:
        """Mends what does not hang together, or ends an open match for a reason, as the doing of `by`."""
        return await self._store.run("match_repair", pool, session_id, end or "", by)

    async def cleanup_user(self, user: UserRef) -> Commit:
        """Emergency: removes the user, whatever state its record is in."""
        return await self._store.run("user_cleanup", user.pool, user.user_id)

    async def cleanup_pool(self, pool: str, limit: int, after: Commit | None = None) -> Commit:
        """Emergency: removes about so many users whom a pool had at the first of these calls, then matches.

        `after` is what the call before gave. `fields`: how many were `removed`; without `at`, all is done.
        """
        done = after.fields if after else {}
        place = (done.get("began", ""), done.get("at", 1), done.get("cursor", "0"))
        return await self._store.run("pool_cleanup", pool, limit, *place)


def _plain(steps: Sequence[Step]) -> list[dict[str, str | int]]:
    return [
        {"userId": step.user_id, "to": step.to_state} | ({} if step.seq is None else {"seq": step.seq})
        for step in steps
    ]


def _refusal(commit: Commit) -> InvalidTransition | UnknownUser:
    fields = commit.fields
    where = {"index": fields["index"], "userId": fields["userId"]}
    if "from" not in fields:
        return UnknownUser(**where)
    return InvalidTransition(
        _hindrance(fields),
        **where,
        state=fields["from"],
        seq=fields["seq"],
        to=fields["to"],
        allowed=sorted(fields["allowed"]),  # Lua has one empty table: {} is a list here
    )


def _hindrance(refusal: Fields) -> str | None:
    """What is in the way beside the transition table."""
    if not refusal["isSane"]:
        return "The user's record, or its partner's, must be repaired first."
    if refusal["isBarred"] and refusal["to"] == State.WAITING:
        return "The user is suspended or banned; it must be let in again first."
    return None


def _allowed(start: str, *, force: bool) -> list[State]:
    """A damaged record leads nowhere."""
    return within_reach(State(start), force=force) if start in WAYS else []
