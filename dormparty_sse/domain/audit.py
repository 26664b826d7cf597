"""The invariants of the system, as functions over a part of a pool. Each yields what violates it."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from dormparty_sse.domain.facts import Hash, MatchFacts, PoolPage, UserFacts
from dormparty_sse.domain.models import RoomSummary
from dormparty_sse.domain.names import parse_room_name
from dormparty_sse.domain.states import State

DEADLINE_SLACK_MS = 2_000
_ROOM_GRACE_MS = 5_000
_NATURAL = re.compile(r"\d{1,14}", re.ASCII)
_IN_MATCH = (State.CONNECTING, State.IN_CALL)
_OF_A_MATCH = ("sessionId", "currentRoom", "matchedWith", "targetState")

#: What a listed match has, by its phase.
_NEEDED = {
    "reserved": ("roomName", "user1", "user2"),
    "open": ("roomName", "user1", "user2"),
    "closing": (),
}


class Kind(StrEnum):
    """What a finding is about."""

    USER = "user"
    MATCH = "match"  #: By session id.
    ROOM = "room"  #: By name.
    DEADLINE = "deadline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One violation."""

    invariant: str
    kind: Kind
    id: str
    sentence: str


#: (kind of subject, its id, what is wrong)
Violation = tuple[Kind, str, str]
Invariant = Callable[[PoolPage], Iterator[Violation]]


def one_state_set(page: PoolPage) -> Iterator[Violation]:
    """A user is in exactly one state set, the one its metadata names."""
    for user, facts in page.users.items():
        for what in _misplaced(facts):
            yield Kind.USER, user, f"user {user} {what}"


def _misplaced(user: UserFacts) -> Iterator[str]:
    if not user.data:
        if user.exists:
            yield "is listed, and has no metadata"
        return
    state = user.data.get("state")
    if state not in tuple(State):
        yield f"has the state {state}, which is none"
    if len(user.sets) != 1:
        yield f"is in {len(user.sets)} state sets"
    for other in user.sets:
        if other != state:
            yield f"is in the set {other}, and its metadata differs"


def records_are_whole(page: PoolPage) -> Iterator[Violation]:
    """A user's record has its numbers; a listed match a phase, and a room and two people until it ends."""
    for user, facts in page.users.items():
        if facts.data and (lacking := _lacking_numbers(facts.data, "seq", "since")):
            yield Kind.USER, user, f"user {user} has no {lacking}"
    for session, match in page.matches.items():
        if match.is_listed and match.data and (what := _is_broken(match.data)):
            yield Kind.MATCH, session, f"match {session} {what}"


def _is_broken(match: Hash) -> str | None:
    phase = match.get("phase")
    if phase not in _NEEDED:
        return f"is listed with the phase {phase}"
    lacking = [name for name in _NEEDED[phase] if name not in match]
    return f"is {phase} and has no {', '.join(lacking)}" if lacking else None


def matched_users_have_each_other(page: PoolPage) -> Iterator[Violation]:
    """CONNECTING and IN_CALL users stand in exactly one open match, each the other's partner."""
    for user, facts in page.users.items():
        if facts.data.get("state") in _IN_MATCH:
            for what in _badly_matched(user, facts):
                yield Kind.USER, user, f"user {user} is {facts.data['state']} and {what}"
    for session, match in page.matches.items():
        if match.data.get("phase") == "open":
            for what in _badly_manned(session, match):
                yield Kind.MATCH, session, f"match {session} is open, and {what}"


def _badly_matched(user: str, facts: UserFacts) -> Iterator[str]:
    pair, partner = _pair(facts.match), facts.data.get("matchedWith")
    if facts.match.get("phase") != "open" or user not in pair:
        yield "stands in no open match"
    elif {user, partner} != set(pair) or pair[0] == pair[1]:
        yield f"has the partner {partner} in a match of {pair}"
    elif facts.data.get("currentRoom") != facts.match.get("roomName"):
        yield f"has the room {facts.data.get('currentRoom')} in a match of another"


def _badly_manned(session: str, match: MatchFacts) -> Iterator[str]:
    for user in _pair(match.data):
        data = match.members.get(user, {})
        if data.get("state") not in _IN_MATCH:
            yield f"its user {user} is {data.get('state', 'unknown')}"
        elif data.get("sessionId") != session:
            yield f"its user {user} is in the match {data.get('sessionId')}"


def free_users_have_no_room(page: PoolPage) -> Iterator[Violation]:
    """WAITING and IDLE users have no room and no partner. Who waits has a place: in line, held or away."""
    for user, facts in page.users.items():
        state = facts.data.get("state")
        held = [name for name in _OF_A_MATCH if name in facts.data]
        if held and state in (State.WAITING, State.IDLE):
            yield Kind.USER, user, f"user {user} is {state} and has {', '.join(held)}"
        if state == State.WAITING and (lacking := _lacking_numbers(facts.data, "place", "joinedQueueAt")):
            yield Kind.USER, user, f"user {user} is {state} and has no {lacking}"
        reserved = facts.reservation.get("phase") == "reserved" and user in _pair(facts.reservation)
        if state in tuple(State) and not _stands_right(facts, reserved=reserved):
            where = f"in the queue: {facts.in_queue}, reserved: {reserved}, away: {facts.is_away}"
            yield Kind.USER, user, f"user {user} is {state}, {where}"


def _stands_right(user: UserFacts, *, reserved: bool) -> bool:
    if user.data.get("state") != State.WAITING:
        return not (user.in_queue or reserved)
    return user.in_queue + (reserved or user.is_away) == 1


def no_match_of_a_pair_kept_apart(page: PoolPage) -> Iterator[Violation]:
    """No open match joins a blocked pair or one that was cooling down when it was made."""
    for session, match in page.matches.items():
        if match.data.get("phase") != "open":
            continue
        if match.blocked_at:
            yield Kind.MATCH, session, f"match {session} joins a blocked pair"
        elif match.cooling_until > _number(match.data, "createdAt", page.now):
            yield Kind.MATCH, session, f"match {session} joins a pair that was cooling down"


def nobody_alone(page: PoolPage) -> Iterator[Violation]:
    """Nobody is alone in a room longer than the grace (and the connect timeout, while connecting)."""
    for room in page.rooms:
        if len(room.participants) != 1:
            continue
        alone = room.participants[0]
        facts = page.users.get(alone.identity)
        data = facts.data if facts else {}
        grace = _ROOM_GRACE_MS
        if data.get("state") == State.CONNECTING:
            grace += page.rules.connect_timeout_ms
        _, session = parse_room_name(room.name) or ("", "")
        match = page.matches.get(session)
        alone_since = _number(match.data, f"aloneSince:{alone.identity}", 0) if match else 0
        if page.now - max(alone.joined_at, _number(data, "since", 0), alone_since) > grace:
            yield Kind.ROOM, room.name, f"user {alone.identity} is alone in room {room.name}"


def rooms_have_matches(page: PoolPage) -> Iterator[Violation]:
    """No room of ours in LiveKit without a match that needs it; no open match without its room."""
    for room in page.rooms:
        _, session = parse_room_name(room.name) or ("", "")
        needed = page.matches.get(session)
        if not (needed and needed.is_listed and needed.data.get("roomName") == room.name):
            yield Kind.ROOM, room.name, f"room {room.name} has no match"
    for session, match in page.matches.items():
        if match.is_listed and not match.data:
            yield Kind.MATCH, session, f"match {session} is listed, and has no metadata"
        if page.room_names is None or match.data.get("phase") != "open":
            continue
        age = page.now - _number(match.data, "createdAt", page.now)
        if match.data.get("roomName") not in page.room_names and age > _ROOM_GRACE_MS:
            yield Kind.MATCH, session, f"match {session} has no room"


def logs_are_contiguous(page: PoolPage) -> Iterator[Violation]:
    """Each user's log holds its transitions with `seq` contiguous, up to the seq of its metadata."""
    for user, facts in page.users.items():
        last = _number(facts.data, "seq", 0)
        first = _number(facts.data, "logFrom", 1)  # later than 1 after a repair
        if facts.log_entries >= page.rules.log_length:
            first = facts.steps[0][0] if facts.steps else last + 1
        if list(facts.steps) != ([(first, last)] if first <= last else []):
            runs = ", ".join(f"{start} to {end}" for start, end in facts.steps)
            yield Kind.USER, user, f"user {user} has seq {last}, and its log {runs or 'none'}"


def deadlines_are_met(page: PoolPage) -> Iterator[Violation]:
    """Nothing is past its deadline by more than 2 s, and a match that needs one has one."""
    for deadline, at in page.deadlines.items():
        if page.now - at > DEADLINE_SLACK_MS:
            yield Kind.DEADLINE, deadline, f"deadline {deadline} is {page.now - at} ms late"
    for session, match in page.matches.items():
        if match.is_listed and not match.has_deadline and _needs_deadline(session, match):
            yield Kind.MATCH, session, f"match {session} is {match.data['phase']} for ever"


def _needs_deadline(session: str, match: MatchFacts) -> bool:
    """Does nothing else move it on? A call goes on by itself, and who has to leave has a deadline too."""
    phase = match.data.get("phase")
    states = {user.get("state") for user in match.members.values() if user.get("sessionId") == session}
    if phase == "open":
        return State.CONNECTING in states
    return phase == "reserved" or (phase == "closing" and State.DISCONNECTING not in states)


INVARIANTS: tuple[Invariant, ...] = (
    one_state_set,
    records_are_whole,
    matched_users_have_each_other,
    free_users_have_no_room,
    no_match_of_a_pair_kept_apart,
    nobody_alone,
    rooms_have_matches,
    logs_are_contiguous,
    deadlines_are_met,
)


def findings(page: PoolPage) -> list[Finding]:
    """Everything on this page that violates an invariant."""
    return [
        Finding(invariant=invariant.__name__, kind=kind, id=subject, sentence=sentence)
        for invariant in INVARIANTS
        for kind, subject, sentence in invariant(page)
    ]


def by_invariant(found: Iterable[Finding]) -> dict[str, list[str]]:
    """Every invariant's name with what violates it; all lists are empty in a sound pool."""
    sentences: dict[str, list[str]] = {invariant.__name__: [] for invariant in INVARIANTS}
    for finding in found:
        sentences[finding.invariant].append(finding.sentence)
    return sentences


def rooms_of(pool: str, rooms: Iterable[RoomSummary]) -> list[RoomSummary]:
    """Those of LiveKit's rooms that are this pool's."""
    return [room for room in rooms if (parse_room_name(room.name) or ("", ""))[0] == pool]


def _pair(match: Hash) -> tuple[str, str]:
    return match.get("user1", ""), match.get("user2", "")


def _number(data: Hash, name: str, default: int) -> int:
    """As the scripts read it: what is no natural number is none."""
    text = data.get(name, "")
    return int(text) if _NATURAL.fullmatch(text) else default


def _lacking_numbers(data: Hash, *names: str) -> str:
    return ", ".join(name for name in names if _number(data, name, -1) < 0)
