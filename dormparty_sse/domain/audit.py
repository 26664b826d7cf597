"""The invariants of the system, as functions over a snapshot of a pool. Each yields what violates it."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dormparty_sse.domain.models import Room
from dormparty_sse.domain.names import parse_room_name
from dormparty_sse.domain.rules import Rules
from dormparty_sse.domain.states import State

_DEADLINE_SLACK_MS = 2_000
_ROOM_GRACE_MS = 5_000
_IN_MATCH = (State.CONNECTING, State.IN_CALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSnapshot:
    """A pool as of one moment. Hashes are as Redis holds them: everything a string."""

    pool: str
    now: int  #: ms since the epoch.
    sets: Mapping[str, Sequence[str]]  #: Users by state.
    queue: Sequence[str]
    users: Mapping[str, Mapping[str, str]]
    logs: Mapping[str, Sequence[str]]  #: Each user's log, its entries as JSON.
    matches: Mapping[str, Mapping[str, str]]
    deadlines: Sequence[tuple[str, int]]
    cooldowns: Sequence[tuple[str, str, int]]  #: (user, other, until).
    rooms: Sequence[Room] | None  #: LiveKit's rooms, or None if it does not answer.
    rules: Rules


Invariant = Callable[[PoolSnapshot], Iterator[str]]


def one_state_set(pool: PoolSnapshot) -> Iterator[str]:
    """A user is in exactly one state set, the one its metadata names."""
    counts = Counter(user for users in pool.sets.values() for user in users)
    for user, count in counts.items():
        if count != 1:
            yield f"user {user} is in {count} state sets"
    for state, users in pool.sets.items():
        for user in users:
            if pool.users[user].get("state") != state:
                yield f"user {user} is in the set {state}, and its metadata differs"


def matched_users_have_each_other(pool: PoolSnapshot) -> Iterator[str]:
    """CONNECTING and IN_CALL users stand in exactly one open match, each the other's partner."""
    members = Counter(user for match in _open_matches(pool).values() for user in _pair(match))
    for user in members.keys() - pool.users.keys():
        yield f"user {user} is unknown and stands in an open match"
    for user, data in pool.users.items():
        if data.get("state") not in _IN_MATCH:
            if members[user]:
                yield f"user {user} is {data.get('state')} and stands in an open match"
            continue
        match = _open_matches(pool).get(data.get("sessionId", ""))
        if members[user] != 1 or match is None or user not in _pair(match):
            yield f"user {user} is {data.get('state')} and stands in {members[user]} open matches"
        elif {user, data.get("matchedWith")} != set(_pair(match)) or len(set(_pair(match))) == 1:
            yield f"user {user} has the partner {data.get('matchedWith')} in a match of {_pair(match)}"


def free_users_have_no_room(pool: PoolSnapshot) -> Iterator[str]:
    """WAITING and IDLE users have no room and no partner; whoever waits is in line or reserved, not both."""
    for user, data in pool.users.items():
        state = data.get("state")
        if state not in (State.WAITING, State.IDLE):
            continue
        held = [name for name in ("sessionId", "currentRoom", "matchedWith", "targetState") if name in data]
        if held:
            yield f"user {user} is {state} and has {', '.join(held)}"
        match = pool.matches.get(data.get("reservation", ""), {})
        reserved = match.get("phase") == "reserved" and user in _pair(match)
        if (user in pool.queue) + reserved != (state == State.WAITING):
            yield f"user {user} is {state}, in the queue: {user in pool.queue}, reserved: {reserved}"


def no_match_of_a_cooling_pair(pool: PoolSnapshot) -> Iterator[str]:
    """No open match joins a pair that was cooling down when it was made."""
    until = {(user, other): at for user, other, at in pool.cooldowns}
    for session, match in _open_matches(pool).items():
        if until.get(_pair(match), 0) > int(match["createdAt"]):
            yield f"match {session} joins a pair that was cooling down"


def nobody_alone(pool: PoolSnapshot) -> Iterator[str]:
    """Nobody is alone in a room longer than the grace (and the connect timeout, while connecting)."""
    for room in _our_rooms(pool):
        if len(room.participants) != 1:
            continue
        alone = room.participants[0]
        data = pool.users.get(alone.identity, {})
        grace = _ROOM_GRACE_MS
        if data.get("state") == State.CONNECTING:
            grace += pool.rules.connect_timeout_ms
        since = max(alone.joined_at, int(data.get("since", 0)))
        if pool.now - since > grace:
            yield f"user {alone.identity} is alone in room {room.name}"


def rooms_have_matches(pool: PoolSnapshot) -> Iterator[str]:
    """No room of ours in LiveKit without a match that needs it; no open match without its room."""
    if pool.rooms is None:
        return
    names = {room.name for room in _our_rooms(pool)}
    wanted = {match.get("roomName"): (session, match) for session, match in pool.matches.items()}
    for unwanted in names - wanted.keys():
        yield f"room {unwanted} has no match"
    for name, (session, match) in wanted.items():
        age = pool.now - int(match.get("createdAt", pool.now))
        if match.get("phase") == "open" and name not in names and age > _ROOM_GRACE_MS:
            yield f"match {session} has no room"


def logs_are_contiguous(pool: PoolSnapshot) -> Iterator[str]:
    """Each user's log holds its transitions with `seq` contiguous, up to the seq of its metadata."""
    for user, entries in pool.logs.items():
        steps = [entry["seq"] for entry in map(json.loads, entries) if "seq" in entry]
        last = int(pool.users[user].get("seq", 0))
        begins = int(pool.users[user].get("logFrom", 1))  # later than 1 after a repair
        first = steps[0] if len(entries) >= pool.rules.log_length else begins
        if steps != list(range(first, last + 1)):
            yield f"user {user} has seq {last}, and its log {steps}"


def deadlines_are_met(pool: PoolSnapshot) -> Iterator[str]:
    """Nothing is past its deadline by more than 2 s."""
    for member, at in pool.deadlines:
        if pool.now - at > _DEADLINE_SLACK_MS:
            yield f"deadline {member} is {pool.now - at} ms late"


INVARIANTS: tuple[Invariant, ...] = (
    one_state_set,
    matched_users_have_each_other,
    free_users_have_no_room,
    no_match_of_a_cooling_pair,
    nobody_alone,
    rooms_have_matches,
    logs_are_contiguous,
    deadlines_are_met,
)


def violations(pool: PoolSnapshot) -> dict[str, list[str]]:
    """Every invariant's name with what violates it; all lists are empty in a sound pool."""
    return {invariant.__name__: list(invariant(pool)) for invariant in INVARIANTS}


def _open_matches(pool: PoolSnapshot) -> dict[str, Mapping[str, Any]]:
    return {session: match for session, match in pool.matches.items() if match.get("phase") == "open"}


def _pair(match: Mapping[str, str]) -> tuple[str, str]:
    return match.get("user1", ""), match.get("user2", "")


def _our_rooms(pool: PoolSnapshot) -> Iterator[Room]:
    for room in pool.rooms or ():
        name = parse_room_name(room.name)
        if name and name[0] == pool.pool:
            yield room
