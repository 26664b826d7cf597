"""Where LiveKit's rooms and Redis differ, as reconciliation finds it."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What differs. `room_observed.lua` uses the first three words."""

    UNCOUNTED = "uncounted"  #: A user is in the room and was not counted in.
    MISSING = "missing"  #: A user is in a call and not in its room; it may be back in a moment.
    LOST = "lost"  #: A user was missing for longer than the grace.
    STRANGER = "stranger"  #: A participant who does not belong in this room.
    NO_ROOM = "no-room"  #: An open match has no room.
    NO_MATCH = "no-match"  #: A room of ours belongs to no match.
    STALE_RECORD = "stale-record"  #: A match is listed and has no metadata.


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """One thing found, and what was done about it."""

    kind: Kind
    pool: str
    session_id: str
    room_name: str
    user_id: str | None = None
    done: str  #: In words.
