"""The records that travel between the layers: frozen, typed, without behaviour."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.domain.states import State

Fields = Mapping[str, Any]  #: JSON members, as an event or an answer carries them.


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRef:
    """Who acts, and in which pool."""

    user_id: str
    pool: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A user, for as long as its token is valid."""

    user: UserRef
    device: str  #: What the user comes with, again and again; empty in tokens that are older than devices.
    token: str
    expires_at: int  #: ms since the epoch.
    renew_at: int  #: ms since the epoch: from then on it is time for a fresh token.


@dataclass(frozen=True, slots=True, kw_only=True)
class GateAnswer:
    """What somebody without a session says to the gate (services/gate.py)."""

    challenge: str | None = None  #: The one that was solved.
    solution: str | None = None  #: A decimal number.
    token: str | None = None  #: Of a third party's check.


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One step of one user, as a script recorded it."""

    user_id: str
    from_state: State
    to_state: State
    reason: str
    duration_ms: int  #: How long the user was in `from_state`.
    seq: int
    session_id: str | None
    forced: bool  #: Was it an operator's doing?


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step that somebody asks for. With a `seq`, only if that is still the user's."""

    user_id: str
    to_state: State
    seq: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What one script did."""

    outcome: Outcome
    pool: str
    now: int  #: Redis's clock, ms since the epoch.
    transitions: tuple[Transition, ...]
    due_at: int | None  #: The earliest deadline this set, or (deadlines_run) there is; ms since the epoch.
    rematch: bool  #: People came (back) into the queue, or may be paired anew.
    fields: Fields  #: What the command answers beyond that.
    alone_ms: tuple[int, ...] = ()  #: How long those were alone in a room whom this saw out of it.

    @property
    def state(self) -> State:
        """The acting user's state after the command."""
        return State(self.fields["state"])

    @property
    def seq(self) -> int:
        """The acting user's `seq` after the command."""
        return int(self.fields["seq"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A pair taken out of the queue, waiting for its room."""

    pool: str
    session_id: str
    room_name: str
    user1: str
    user2: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event of a user's stream. `event_id` is None for what cannot be replayed."""

    event_id: str | None
    data: Fields

    @property
    def type(self) -> str:
        """The event's type, one of `EventType`."""
        return str(self.data["type"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """Somebody in a LiveKit room, as LiveKit names them."""

    identity: str
    sid: str
    joined_at: int  #: ms since the epoch.


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomSummary:
    """A LiveKit room as the list of all rooms has it."""

    name: str
    sid: str
    participants: int  #: How many were in it some seconds ago.


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A LiveKit room and who is in it now."""

    name: str
    sid: str
    participants: tuple[Participant, ...]
