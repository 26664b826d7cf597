"""What the audit looks at: a part of a pool, whatever its size, in which every subject stands for itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dormparty_sse.domain.models import Room
from dormparty_sse.domain.rules import Rules

Hash = Mapping[str, str]  #: As Redis holds it: everything a string; empty where there is none.


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFacts:
    """A user as of one moment."""

    data: Hash
    sets: Sequence[str]  #: The state sets it is in.
    in_queue: bool
    is_away: bool  #: Not there for the moment, so not in the queue.
    in_presence: bool
    log_entries: int  #: How many events its log has.
    steps: Sequence[tuple[int, int]]  #: The seqs in its log, as runs of contiguous ones: (first, last).
    match: Hash  #: Of its sessionId.
    reservation: Hash  #: The match it is held for.

    @property
    def exists(self) -> bool:
        """Does anything of it still stand?"""
        return bool(self.data or self.sets or self.in_queue or self.is_away or self.in_presence)


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchFacts:
    """A match as of one moment."""

    data: Hash
    is_listed: bool  #: Among the matches that are reserved, open or closing?
    has_deadline: bool  #: Will anybody look after it again?
    cooling_until: int  #: Until when its two are kept apart, ms since the epoch; or 0.
    blocked_at: int  #: Since when they have blocked each other, ms since the epoch; or 0.
    members: Mapping[str, Hash]  #: By user id: its state and sessionId.


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPage:
    """A part of a pool."""

    pool: str
    now: int  #: ms since the epoch; no fact is older.
    rules: Rules
    users: Mapping[str, UserFacts] = field(default_factory=dict)
    matches: Mapping[str, MatchFacts] = field(default_factory=dict)
    deadlines: Mapping[str, int] = field(default_factory=dict)  #: When each falls due, ms since the epoch.
    rooms: Sequence[Room] = ()  #: With the matches they are named after, and whoever is alone in one.
    room_names: frozenset[str] | None = None  #: All of LiveKit's rooms, or None if it does not answer.
