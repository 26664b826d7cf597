"""What the queries of the state store answer: frozen records, and pages of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from dormparty_sse.domain.moderation import Bar
from dormparty_sse.domain.states import State

Item = TypeVar("Item")


class Order(StrEnum):
    """Which users of a state come first."""

    OLDEST = "oldest"  #: Who has been in it longest.
    NEWEST = "newest"  #: Who has come into it last.


class Flag(StrEnum):
    """What is true of a user at the moment it is looked at."""

    RESERVED = "reserved"  #: Held for somebody, while a room is made for the two.
    UNREACHABLE = "unreachable"  #: Not seen lately, so not matched.
    FORCED = "forced"  #: Its last step was an operator's.


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Item]):
    """Some of the items, in order."""

    items: tuple[Item, ...]
    cursor: str | None  #: Asks for what comes after them; None: that is all.


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSince:
    """A user in a state."""

    user_id: str
    state: State
    since: int  #: ms since the epoch.


@dataclass(frozen=True, slots=True, kw_only=True)
class UserState:
    """What a user's metadata says of its state."""

    user_id: str
    state: str
    since: int  #: ms since the epoch.
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InLine:
    """A user in the queue."""

    user_id: str
    position: int  #: From 1, when the page was read.
    waiting_since: int | None  #: ms since the epoch.


@dataclass(frozen=True, slots=True, kw_only=True)
class Misplaced:
    """A user that is in several state sets, or in none."""

    user_id: str
    states: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """An event of a user's log. What it does not carry is None."""

    event_id: str
    type: str
    timestamp: int  #: ms since the epoch.
    state: str | None
    seq: int | None
    reason: str | None
    session_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserCounters:
    """What a user has done so far. None: the record has something there that is no number."""

    matches: int | None
    skips: int | None
    ends: int | None
    calls: int | None
    total_call_ms: int | None  #: Of the calls that are over.
    average_call_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDetails:
    """All that is known of one user. Times are in ms since the epoch. None: there is none, or no number."""

    user_id: str
    state: str | None  #: As the record has it, be it one of the five or not.
    seq: int | None
    since: int | None
    previous_state: str | None
    last_reason: str | None
    joined_queue_at: int | None
    current_room: str | None
    matched_with: str | None
    session_id: str | None
    room_joined_at: int | None
    last_action: str | None
    last_action_at: int | None
    counters: UserCounters
    flags: tuple[Flag, ...]
    bar: Bar | None  #: None: it is not kept out.
    last_seen_at: int | None
    created_at: int | None
    timeline: tuple[TimelineEntry, ...]  #: Newest first.
    further: Mapping[str, str]  #: What else the record holds, as Redis has it.


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupant:
    """One of the two of a match. Times in ms since the epoch."""

    user_id: str
    sid: str | None  #: Of the LiveKit participant that counts; None: not in the room.
    joined_at: int | None  #: By LiveKit's clock.
    absent_since: int | None  #: Missing from a call that goes on.
    alone_since: int | None  #: In the room, and the other one has gone.


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomOccupancy:
    """The room of a match, and who is in it, as Redis has it. Times in ms since the epoch."""

    room_name: str | None
    session_id: str
    phase: str | None  #: reserved, open or closing.
    active: bool  #: Is it open, and somebody in it?
    since: int  #: When it was reserved, or opened.
    last_updated_at: int | None  #: When LiveKit was last heard of about it.
    people: tuple[Occupant, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """What happened in a pool in one minute."""

    starts_at: int  #: ms since the epoch.
    steps: Mapping[str, int]  #: FROM>TO -> how many users took that step.
    spent_ms: Mapping[str, int]  #: State -> time spent in it by those who left it.
    matches: int  #: Matches made.
    ends: Mapping[str, int]  #: Reason -> matches that ended for it.
    forced: int  #: Steps that operators forced.


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A pool at a glance. Rates and durations are of the last five full minutes."""

    counts: Mapping[State, int]
    in_line: int  #: Users free to be matched.
    oldest_waiting: UserSince | None
    reserved_matches: int
    open_matches: int
    closing_matches: int
    average_wait_ms: int | None  #: Of those matched lately; None if nobody was.
    steps_per_minute: Mapping[str, float]  #: FROM>TO -> users.
    matches_per_minute: float  #: Matches made.
    ends_per_minute: Mapping[str, float]  #: Reason -> matches.
    forced_per_minute: float
    mean_ms: Mapping[str, float]  #: State -> how long those who left it had been in it.
