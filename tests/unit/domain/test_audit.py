"""The audit finds what it is there to find, and is silent about a sound pool."""

import json
from dataclasses import replace
from typing import Any

import pytest

from dormparty_sse.domain import audit
from dormparty_sse.domain.audit import INVARIANTS, PoolSnapshot, violations
from dormparty_sse.domain.models import Participant, Room
from dormparty_sse.domain.names import room_name
from dormparty_sse.domain.rules import Rules

NOW = 1_000_000
SESSION = "session-0123456789"
ROOM = room_name("main", SESSION)
OTHER_ROOM = room_name("main", "x" * 20)
PAIR = {"roomName": ROOM, "user1": "ann", "user2": "bob"}


def in_match(partner: str, state: str = "IN_CALL", **changed: str) -> dict[str, str]:
    return {
        "state": state,
        "seq": "3",
        "since": str(NOW - 60_000),
        "sessionId": SESSION,
        "currentRoom": ROOM,
        "matchedWith": partner,
        **changed,
    }


def log(last: int, first: int = 1) -> list[str]:
    """A log with the steps from `first` to `last`, and an event without one between them."""
    steps = [json.dumps({"type": "idle", "seq": seq}) for seq in range(first, last + 1)]
    return [*steps[:1], json.dumps({"type": "room-closing"}), *steps[1:]] if steps else []


def present(*identities: str, joined_at: int = NOW - 60_000) -> Room:
    people = tuple(Participant(identity=one, sid=f"PA-{one}", joined_at=joined_at) for one in identities)
    return Room(name=ROOM, sid="RM", created_at=NOW - 61_000, participants=people)


#: Ann and Bob are in a call, Cat waits, Dan and Eve are held for each other, Fay is at home.
SOUND = PoolSnapshot(
    pool="main",
    now=NOW,
    sets={
        "IDLE": ["fay"],
        "WAITING": ["cat", "dan", "eve"],
        "CONNECTING": [],
        "IN_CALL": ["ann", "bob"],
        "DISCONNECTING": [],
    },
    queue=["cat"],
    users={
        "ann": in_match("bob"),
        "bob": in_match("ann"),
        "cat": {"state": "WAITING", "seq": "1"},
        "dan": {"state": "WAITING", "seq": "1", "reservation": "held"},
        "eve": {"state": "WAITING", "seq": "1", "reservation": "held"},
        "fay": {"state": "IDLE", "seq": "0"},
    },
    logs={"ann": log(3), "bob": log(3), "cat": log(1), "dan": log(1), "eve": log(1), "fay": []},
    matches={
        SESSION: {"phase": "open", "createdAt": str(NOW - 61_000), **PAIR},
        "held": {
            "phase": "reserved",
            "roomName": room_name("main", "held" * 4),
            "user1": "dan",
            "user2": "eve",
        },
    },
    deadlines=[("presence:ann", NOW + 5), ("presence:bob", NOW - 1_900)],
    cooldowns=[("cat", "ann", NOW + 9_000), ("ann", "bob", NOW - 62_000)],
    rooms=[present("ann", "bob"), Room(name="other.room", sid="RX", created_at=1, participants=())],
    rules=Rules(),
)


def with_user(user: str, **changed: Any) -> PoolSnapshot:
    """The sound pool with some of a user's metadata changed; None takes a field away."""
    data = {**SOUND.users[user], **changed}
    users = {**SOUND.users, user: {name: value for name, value in data.items() if value is not None}}
    return replace(SOUND, users=users)


def with_match(session: str = SESSION, **changed: str) -> PoolSnapshot:
    match = {**SOUND.matches.get(session, {}), **changed}
    return replace(SOUND, matches={**SOUND.matches, session: match})


def without(user: str) -> PoolSnapshot:
    """The sound pool as if this user had been forgotten."""
    return replace(
        SOUND,
        sets={state: [one for one in users if one != user] for state, users in SOUND.sets.items()},
        users={one: data for one, data in SOUND.users.items() if one != user},
        logs={one: entries for one, entries in SOUND.logs.items() if one != user},
    )


def with_log(user: str, entries: list[str]) -> PoolSnapshot:
    return replace(SOUND, logs={**SOUND.logs, user: entries})


def connecting(joined_at: int) -> PoolSnapshot:
    """Ann and Bob are connecting, and Ann alone is in the room."""
    states = {**SOUND.sets, "IN_CALL": [], "CONNECTING": ["ann", "bob"]}
    users = {
        **SOUND.users,
        "ann": in_match("bob", "CONNECTING", since="0"),
        "bob": in_match("ann", "CONNECTING", since="0"),
    }
    return replace(SOUND, sets=states, users=users, rooms=[present("ann", joined_at=joined_at)])


#: (invariant, what is wrong, a pool where it is)
BAD: list[tuple[str, str, PoolSnapshot]] = [
    ("one_state_set", "in two sets", replace(SOUND, sets={**SOUND.sets, "CONNECTING": ["ann"]})),
    ("one_state_set", "another state in the metadata", with_user("fay", state="DISCONNECTING")),
    ("one_state_set", "no metadata", replace(SOUND, users={**SOUND.users, "fay": {}})),
    ("matched_users_have_each_other", "no match", with_user("ann", sessionId="gone")),
    ("matched_users_have_each_other", "no session", with_user("ann", sessionId=None)),
    ("matched_users_have_each_other", "another partner", with_user("ann", matchedWith="cat")),
    ("matched_users_have_each_other", "oneself as partner", with_user("ann", matchedWith="ann")),
    ("matched_users_have_each_other", "a match with oneself", with_match(user2="ann")),
    ("matched_users_have_each_other", "a closed match", with_match(phase="closing")),
    (
        "matched_users_have_each_other",
        "two matches",
        with_match("another", phase="open", createdAt="1", user1="ann", user2="bob"),
    ),
    (
        "matched_users_have_each_other",
        "a match of somebody who waits",
        with_match("another", phase="open", createdAt="1", user1="cat", user2="ann"),
    ),
    ("matched_users_have_each_other", "a match with somebody unknown", without("bob")),
    ("free_users_have_no_room", "a room while waiting", with_user("cat", currentRoom=ROOM)),
    ("free_users_have_no_room", "a partner at home", with_user("fay", matchedWith="ann")),
    ("free_users_have_no_room", "waiting out of line", replace(SOUND, queue=[])),
    ("free_users_have_no_room", "at home and in line", replace(SOUND, queue=["cat", "fay"])),
    ("free_users_have_no_room", "held and in line", replace(SOUND, queue=["cat", "dan"])),
    ("free_users_have_no_room", "held for nothing", with_user("dan", reservation="gone")),
    ("free_users_have_no_room", "held for others", with_user("dan", reservation=SESSION)),
    (
        "no_match_of_a_cooling_pair",
        "a cooldown when matched",
        replace(SOUND, cooldowns=[("ann", "bob", NOW - 60_000)]),
    ),
    ("nobody_alone", "alone in a call", replace(SOUND, rooms=[present("ann")])),
    ("nobody_alone", "alone in a room as a stranger", replace(SOUND, rooms=[present("zoe")])),
    ("nobody_alone", "alone for too long while connecting", connecting(NOW - 20_001)),
    (
        "rooms_have_matches",
        "a room without a match",
        replace(SOUND, rooms=[present("ann", "bob"), replace(present(), name=OTHER_ROOM)]),
    ),
    ("rooms_have_matches", "a match without a room", replace(SOUND, rooms=[])),
    ("logs_are_contiguous", "a gap", with_log("ann", log(1) + log(3, 3))),
    ("logs_are_contiguous", "a repeat", with_log("ann", log(3) + log(3, 3))),
    ("logs_are_contiguous", "another order", with_log("ann", log(1) + log(3, 3) + log(2, 2))),
    ("logs_are_contiguous", "an end before the last step", with_log("ann", log(2))),
    ("logs_are_contiguous", "a step that was never made", with_log("ann", log(4))),
    ("logs_are_contiguous", "a beginning lost too soon", with_log("ann", log(3, 2))),
    ("deadlines_are_met", "a late deadline", replace(SOUND, deadlines=[("leave:ann", NOW - 2_001)])),
]

#: What looks wrong and is not: (what, the pool)
GOOD: list[tuple[str, PoolSnapshot]] = [
    ("an empty pool", replace(SOUND, sets={}, queue=[], users={}, logs={}, matches={}, rooms=[])),
    ("LiveKit does not answer", replace(SOUND, rooms=None)),
    ("alone for a moment", replace(SOUND, rooms=[present("ann", joined_at=NOW - 4_000)])),
    ("alone in the room while the partner connects", connecting(NOW - 19_000)),
    (
        "alone in another pool's room",
        replace(
            SOUND, rooms=[*(SOUND.rooms or []), replace(present("zoe"), name=room_name("other", "x" * 20))]
        ),
    ),
    ("a room still to be deleted", with_match(SESSION + "x", phase="closing", roomName=ROOM)),
    (
        "a new match, before LiveKit lists its room",
        replace(with_match(createdAt=str(NOW - 100)), rooms=[], cooldowns=[]),
    ),
    (
        "a log that reaches back to its length",
        replace(with_log("ann", log(3, 2)), rules=replace(Rules(), log_length=2)),
    ),
]


def test_a_sound_pool_has_no_violations() -> None:
    assert violations(SOUND) == {invariant.__name__: [] for invariant in INVARIANTS}


@pytest.mark.parametrize(("what", "pool"), GOOD, ids=[what for what, _ in GOOD])
def test_what_only_looks_wrong_is_not_reported(what: str, pool: PoolSnapshot) -> None:
    assert not any(violations(pool).values()), what


@pytest.mark.parametrize(("name", "what", "pool"), BAD, ids=[f"{name}: {what}" for name, what, _ in BAD])
def test_a_violation_is_reported_by_its_invariant(name: str, what: str, pool: PoolSnapshot) -> None:
    found = violations(pool)
    assert found[name], what
    invariant = getattr(audit, name)
    assert list(invariant(SOUND)) == []


def test_every_invariant_has_a_bad_example_here() -> None:
    assert {name for name, _, _ in BAD} == {invariant.__name__ for invariant in INVARIANTS}
