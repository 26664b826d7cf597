"""The audit finds what it is there to find, and is silent about a sound pool."""

from dataclasses import replace
from typing import Any

import pytest

from dormparty_sse.domain import audit
from dormparty_sse.domain.audit import INVARIANTS, Kind, by_invariant, findings, rooms_of
from dormparty_sse.domain.facts import MatchFacts, PoolPage, UserFacts
from dormparty_sse.domain.models import Participant, Room, RoomSummary
from dormparty_sse.domain.names import room_name
from dormparty_sse.domain.rules import Rules

NOW = 1_000_000
SESSION = "session-0123456789"
HELD = "held" * 4
ROOM = room_name("main", SESSION)
OTHER_ROOM = room_name("main", "x" * 20)
MATCH = {"phase": "open", "createdAt": str(NOW - 61_000), "roomName": ROOM, "user1": "ann", "user2": "bob"}
RESERVED = {"phase": "reserved", "roomName": room_name("main", HELD), "user1": "dan", "user2": "eve"}

LINED_UP = {"place": "7", "joinedQueueAt": str(NOW - 60_000)}


def user(state: str, seq: int = 1, **changed: Any) -> UserFacts:
    """In the set of its state, and in the queue if it waits."""
    data = {"state": state, "seq": str(seq), "since": str(NOW - 60_000)}
    facts = UserFacts(
        data=data | (LINED_UP if state == "WAITING" else {}),
        sets=[state],
        in_queue=state == "WAITING",
        is_away=False,
        in_presence=True,
        log_entries=2 * seq,
        steps=[(1, seq)] if seq else [],
        match={},
        reservation={},
    )
    return replace(facts, **changed)


def in_match(partner: str, state: str = "IN_CALL", since: int = NOW - 60_000) -> UserFacts:
    about = {"sessionId": SESSION, "currentRoom": ROOM, "matchedWith": partner}
    data = {"state": state, "seq": "3", "since": str(since), **about}
    return user(state, 3, data=data, match=MATCH)


def held() -> UserFacts:
    data = {**user("WAITING").data, "reservation": HELD}
    return user("WAITING", data=data, in_queue=False, reservation=RESERVED)


def match(data: dict[str, str], state: str, cooling_until: int = 0) -> MatchFacts:
    members = {data[n]: {"state": state, "sessionId": SESSION} for n in ("user1", "user2")}
    return MatchFacts(
        data=data,
        is_listed=True,
        has_deadline=True,
        cooling_until=cooling_until,
        blocked_at=0,
        members=members,
    )


def present(*identities: str, joined_at: int = NOW - 60_000) -> Room:
    people = tuple(Participant(identity=one, sid=f"PA-{one}", joined_at=joined_at) for one in identities)
    return Room(name=ROOM, sid="RM", participants=people)


#: Ann and Bob are in a call, Cat waits, Dan and Eve are held for each other, Fay is at home.
SOUND = PoolPage(
    pool="main",
    now=NOW,
    users={
        "ann": in_match("bob"),
        "bob": in_match("ann"),
        "cat": user("WAITING"),
        "dan": held(),
        "eve": held(),
        "fay": user("IDLE", 0),
    },
    matches={SESSION: match(MATCH, "IN_CALL", NOW - 62_000), HELD: match(RESERVED, "WAITING")},
    deadlines={"presence:ann": NOW + 5, "presence:bob": NOW - 1_900},
    rooms=[present("ann", "bob")],
    room_names=frozenset({ROOM, "other.room"}),
    rules=Rules(),
)


def with_user(name: str, **changed: Any) -> PoolPage:
    """The sound pool with other facts of a user."""
    return replace(SOUND, users={**SOUND.users, name: replace(SOUND.users[name], **changed)})


def with_data(name: str, **changed: str | None) -> PoolPage:
    """The sound pool with some of a user's metadata changed; None takes a field away."""
    data = {**SOUND.users[name].data, **changed}
    return with_user(name, data={field: value for field, value in data.items() if value is not None})


def with_facts(**changed: Any) -> PoolPage:
    """The sound pool with other facts of the match that is open."""
    return replace(SOUND, matches={**SOUND.matches, SESSION: replace(SOUND.matches[SESSION], **changed)})


def with_member(name: str, **data: str) -> PoolPage:
    return with_facts(members={**SOUND.matches[SESSION].members, name: data})


def with_rooms(*rooms: Room) -> PoolPage:
    return replace(SOUND, rooms=rooms, room_names=frozenset(room.name for room in rooms))


def connecting(joined_at: int) -> PoolPage:
    """Ann and Bob are connecting, and Ann alone is in the room."""
    users = {
        **SOUND.users,
        "ann": in_match("bob", "CONNECTING", since=0),
        "bob": in_match("ann", "CONNECTING", since=0),
    }
    return replace(with_rooms(present("ann", joined_at=joined_at)), users=users)


def closing(states: dict[str, str]) -> PoolPage:
    """The match of Ann and Bob is closing, and has no deadline."""
    members = {name: {"state": state, "sessionId": SESSION} for name, state in states.items()}
    facts = with_facts(data={**MATCH, "phase": "closing"}, has_deadline=False, members=members)
    users = {name: facts.users[name] for name in ("cat", "dan", "eve", "fay")}
    return replace(facts, users=users)


def without(field: str) -> PoolPage:
    """The sound pool with an open match that lacks something."""
    return with_facts(data={name: value for name, value in MATCH.items() if name != field})


#: (invariant, what is wrong, a pool where it is, whom it is found of)
BAD: list[tuple[str, str, PoolPage, tuple[Kind, str]]] = [
    ("one_state_set", "in two sets", with_user("ann", sets=["CONNECTING", "IN_CALL"]), (Kind.USER, "ann")),
    ("one_state_set", "in no set", with_user("fay", sets=[]), (Kind.USER, "fay")),
    ("one_state_set", "in another set", with_user("fay", sets=["DISCONNECTING"]), (Kind.USER, "fay")),
    ("one_state_set", "no metadata", with_user("fay", data={}), (Kind.USER, "fay")),
    (
        "one_state_set",
        "no metadata, in line",
        with_user("cat", data={}, sets=[], in_presence=False),
        (Kind.USER, "cat"),
    ),
    ("one_state_set", "a state that is none", with_data("fay", state="NOWHERE"), (Kind.USER, "fay")),
    ("one_state_set", "no state", with_data("fay", state=None), (Kind.USER, "fay")),
    ("records_are_whole", "no seq", with_data("ann", seq=None), (Kind.USER, "ann")),
    ("records_are_whole", "a seq that is none", with_data("ann", seq="-1"), (Kind.USER, "ann")),
    ("records_are_whole", "no since", with_data("fay", since=""), (Kind.USER, "fay")),
    ("records_are_whole", "a match without a phase", without("phase"), (Kind.MATCH, SESSION)),
    ("records_are_whole", "a match without a room", without("roomName"), (Kind.MATCH, SESSION)),
    (
        "records_are_whole",
        "a reservation of one",
        replace(
            SOUND, matches={HELD: replace(SOUND.matches[HELD], data={"phase": "reserved", "user1": "dan"})}
        ),
        (Kind.MATCH, HELD),
    ),
    ("matched_users_have_each_other", "no match", with_user("ann", match={}), (Kind.USER, "ann")),
    (
        "matched_users_have_each_other",
        "another partner",
        with_data("ann", matchedWith="cat"),
        (Kind.USER, "ann"),
    ),
    (
        "matched_users_have_each_other",
        "oneself as partner",
        with_data("ann", matchedWith="ann"),
        (Kind.USER, "ann"),
    ),
    (
        "matched_users_have_each_other",
        "a match with oneself",
        with_user("ann", match={**MATCH, "user2": "ann"}),
        (Kind.USER, "ann"),
    ),
    (
        "matched_users_have_each_other",
        "a match of others",
        with_user("ann", match={**MATCH, "user1": "cat"}),
        (Kind.USER, "ann"),
    ),
    (
        "matched_users_have_each_other",
        "a closed match",
        with_user("ann", match={**MATCH, "phase": "closing"}),
        (Kind.USER, "ann"),
    ),
    (
        "matched_users_have_each_other",
        "another room",
        with_data("ann", currentRoom="away"),
        (Kind.USER, "ann"),
    ),
    (
        "matched_users_have_each_other",
        "an open match of somebody in another",
        with_member("ann", state="IN_CALL", sessionId="another"),
        (Kind.MATCH, SESSION),
    ),
    (
        "matched_users_have_each_other",
        "an open match of somebody who waits",
        with_member("bob", state="WAITING"),
        (Kind.MATCH, SESSION),
    ),
    (
        "matched_users_have_each_other",
        "a match with somebody unknown",
        with_member("bob"),
        (Kind.MATCH, SESSION),
    ),
    (
        "free_users_have_no_room",
        "a room while waiting",
        with_data("cat", currentRoom=ROOM),
        (Kind.USER, "cat"),
    ),
    ("free_users_have_no_room", "a partner at home", with_data("fay", matchedWith="ann"), (Kind.USER, "fay")),
    ("free_users_have_no_room", "waiting out of line", with_user("cat", in_queue=False), (Kind.USER, "cat")),
    ("free_users_have_no_room", "at home and in line", with_user("fay", in_queue=True), (Kind.USER, "fay")),
    ("free_users_have_no_room", "in a call and in line", with_user("ann", in_queue=True), (Kind.USER, "ann")),
    ("free_users_have_no_room", "away and in line", with_user("cat", is_away=True), (Kind.USER, "cat")),
    ("free_users_have_no_room", "held and in line", with_user("dan", in_queue=True), (Kind.USER, "dan")),
    ("free_users_have_no_room", "held for nothing", with_user("dan", reservation={}), (Kind.USER, "dan")),
    (
        "free_users_have_no_room",
        "held for others",
        with_user("dan", reservation={**RESERVED, "user1": "cat"}),
        (Kind.USER, "dan"),
    ),
    ("free_users_have_no_room", "waiting without a place", with_data("cat", place=None), (Kind.USER, "cat")),
    ("free_users_have_no_room", "a place that is none", with_data("dan", place="x"), (Kind.USER, "dan")),
    ("free_users_have_no_room", "since no time", with_data("cat", joinedQueueAt=None), (Kind.USER, "cat")),
    (
        "no_match_of_a_pair_kept_apart",
        "a cooldown when matched",
        with_facts(cooling_until=NOW - 60_000),
        (Kind.MATCH, SESSION),
    ),
    ("no_match_of_a_pair_kept_apart", "a block", with_facts(blocked_at=NOW - 90_000), (Kind.MATCH, SESSION)),
    ("nobody_alone", "alone in a call", with_rooms(present("ann")), (Kind.ROOM, ROOM)),
    ("nobody_alone", "alone in a room as a stranger", with_rooms(present("zoe")), (Kind.ROOM, ROOM)),
    ("nobody_alone", "alone for too long while connecting", connecting(NOW - 20_001), (Kind.ROOM, ROOM)),
    (
        "rooms_have_matches",
        "a room without a match",
        with_rooms(present("ann", "bob"), replace(present(), name=OTHER_ROOM)),
        (Kind.ROOM, OTHER_ROOM),
    ),
    ("rooms_have_matches", "a room of a match that is over", with_facts(is_listed=False), (Kind.ROOM, ROOM)),
    ("rooms_have_matches", "a match without a room", with_rooms(), (Kind.MATCH, SESSION)),
    (
        "rooms_have_matches",
        "a match that nothing is known of",
        replace(with_facts(data={}), rooms=()),
        (Kind.MATCH, SESSION),
    ),
    ("logs_are_contiguous", "a gap", with_user("ann", steps=[(1, 1), (3, 3)]), (Kind.USER, "ann")),
    ("logs_are_contiguous", "a repeat", with_user("ann", steps=[(1, 3), (3, 3)]), (Kind.USER, "ann")),
    (
        "logs_are_contiguous",
        "an end before the last step",
        with_user("ann", steps=[(1, 2)]),
        (Kind.USER, "ann"),
    ),
    (
        "logs_are_contiguous",
        "a step that was never made",
        with_user("ann", steps=[(1, 4)]),
        (Kind.USER, "ann"),
    ),
    (
        "logs_are_contiguous",
        "a beginning lost too soon",
        with_user("ann", steps=[(2, 3)]),
        (Kind.USER, "ann"),
    ),
    ("logs_are_contiguous", "all lost", with_user("ann", steps=[], log_entries=0), (Kind.USER, "ann")),
    ("logs_are_contiguous", "steps of nobody", with_data("cat", seq="none"), (Kind.USER, "cat")),
    (
        "deadlines_are_met",
        "a late deadline",
        replace(SOUND, deadlines={"leave:ann": NOW - 2_001}),
        (Kind.DEADLINE, "leave:ann"),
    ),
    (
        "deadlines_are_met",
        "a room that nobody will delete",
        closing({"ann": "WAITING", "bob": "IDLE"}),
        (Kind.MATCH, SESSION),
    ),
    (
        "deadlines_are_met",
        "a pair that nobody will let go",
        replace(SOUND, matches={HELD: replace(SOUND.matches[HELD], has_deadline=False)}),
        (Kind.MATCH, HELD),
    ),
    (
        "deadlines_are_met",
        "a match that waits for ever",
        with_facts(members={"ann": {"state": "CONNECTING", "sessionId": SESSION}}, has_deadline=False),
        (Kind.MATCH, SESSION),
    ),
]

#: What looks wrong and is not: (what, the pool)
GOOD: list[tuple[str, PoolPage]] = [
    ("an empty pool", PoolPage(pool="main", now=NOW, rules=Rules(), room_names=frozenset())),
    ("LiveKit does not answer", replace(SOUND, rooms=(), room_names=None)),
    ("rooms on another page", replace(SOUND, rooms=())),
    ("a call without a deadline", with_facts(has_deadline=False)),
    ("a closing match that somebody has to leave", closing({"ann": "DISCONNECTING", "bob": "WAITING"})),
    ("a user who is gone", with_user("fay", data={}, sets=[], in_presence=False)),
    ("alone for a moment", with_rooms(present("ann", joined_at=NOW - 4_000))),
    ("alone in the room while the partner connects", connecting(NOW - 19_000)),
    (
        "a room still to be deleted",
        replace(SOUND, matches={SESSION: match({**MATCH, "phase": "closing"}, "IDLE")}),
    ),
    (
        "a new match, before LiveKit lists its room",
        replace(with_facts(data={**MATCH, "createdAt": str(NOW - 100)}), rooms=(), room_names=frozenset()),
    ),
    (
        "a log that reaches back to its length",
        replace(with_user("ann", steps=[(2, 3)]), rules=replace(Rules(), log_length=6)),
    ),
    (
        "a log that begins anew",
        replace(with_user("cat", data={**SOUND.users["cat"].data, "logFrom": "2"}, steps=[])),
    ),
]


def test_a_sound_pool_has_no_findings() -> None:
    assert findings(SOUND) == []


@pytest.mark.parametrize(("what", "page"), GOOD, ids=[what for what, _ in GOOD])
def test_what_only_looks_wrong_is_not_found(what: str, page: PoolPage) -> None:
    assert findings(page) == [], what


@pytest.mark.parametrize(("name", "what", "page", "whose"), BAD, ids=[f"{bad[0]}: {bad[1]}" for bad in BAD])
def test_a_violation_is_found_by_its_invariant(
    name: str, what: str, page: PoolPage, whose: tuple[Kind, str]
) -> None:
    found = {(finding.kind, finding.id) for finding in findings(page) if finding.invariant == name}
    assert found == {whose}, what


def test_every_invariant_has_a_bad_example_here() -> None:
    assert {bad[0] for bad in BAD} == {invariant.__name__ for invariant in INVARIANTS}


def test_sentences_stand_under_their_invariants() -> None:
    [finding] = findings(with_user("fay", sets=[]))
    sentences = by_invariant([finding])
    assert sentences.pop(audit.one_state_set.__name__) == [finding.sentence]
    assert not any(sentences.values())
    assert len(sentences) == len(INVARIANTS) - 1


def test_rooms_of_others_are_none_of_ours() -> None:
    ours, of_another_pool, theirs = (
        RoomSummary(name=name, sid="RM", participants=1)
        for name in (ROOM, room_name("other", "x" * 20), "theirs")
    )
    assert rooms_of("main", [of_another_pool, theirs, ours]) == [ours]
