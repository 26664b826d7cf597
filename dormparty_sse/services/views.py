"""What a client gets to see: events and snapshots, with join tokens minted as they are sent."""

from typing import Any

from dormparty_sse.domain.clock import Clock
from dormparty_sse.domain.events import EventType
from dormparty_sse.domain.models import Commit, Event, Fields, UserRef
from dormparty_sse.domain.states import State
from dormparty_sse.livekit.tokens import TokenMint
from dormparty_sse.services.health import RoomsHealth

_QUEUE_FIELDS = ("position", "queueLength", "estimatedWaitSeconds")
_HOLD_FIELDS = ("holdReason", "holdUntil")


class Views:
    """Turns what the scripts say (which leave out what is unknown) into what the contract promises."""

    def __init__(self, mint: TokenMint, livekit_url: str, health: RoomsHealth, clock: Clock) -> None:
        self._mint = mint
        self._livekit_url = livekit_url
        self._health = health
        self._clock = clock

    def match(self, fields: Fields, user: UserRef) -> dict[str, Any]:
        """A match with a fresh join token for this user."""
        return {
            **fields,
            "commonInterests": fields.get("commonInterests") or [],
            "livekitUrl": self._livekit_url,
            "token": self._mint.join_token(fields["roomName"], user.user_id),
        }

    def queue(self, fields: Fields) -> dict[str, Any]:
        """Position, length and estimate; None where unknown."""
        return {name: fields.get(name) for name in _QUEUE_FIELDS}

    def waiting(self, fields: Fields) -> dict[str, Any]:
        """The queue, and why nobody was found."""
        view = self.queue(fields) | {name: fields.get(name) for name in _HOLD_FIELDS}
        if self._health.away and fields["state"] == State.WAITING:
            view |= {"holdReason": "rooms-unavailable", "holdUntil": None}
        return view

    def notification(self, fields: Fields) -> dict[str, Any]:
        """Why a match ended; `initiatedBy` is None where it was nobody's doing."""
        return {"initiatedBy": None, **fields}

    def snapshot(self, commit: Commit, user: UserRef) -> dict[str, Any]:
        """All that a user may know of where it stands."""
        fields = commit.fields
        match = fields.get("match")
        return {
            "state": commit.state,
            "seq": commit.seq,
            **self.waiting(fields),
            "waitingSince": fields.get("waitingSince"),
            "match": self.match(match, user) if match else None,
            "cooldownUntil": fields.get("cooldownUntil"),
            "now": commit.now,
        }

    def momentary(self, event_type: EventType, **fields: Any) -> Event:
        """An event of the moment, which is never replayed."""
        return Event(event_id=None, data={"type": event_type, "timestamp": self._clock.now_ms(), **fields})

    def event(self, event: Event, user: UserRef, *, over: bool) -> Event:
        """A logged event as it goes out.

        A `new-match` whose match is over is history, not an invitation: it goes out as `past-match`.
        """
        return Event(event_id=event.event_id, data=self._data(event, user, over=over))

    def _data(self, event: Event, user: UserRef, *, over: bool) -> Fields:
        match event.type:
            case EventType.QUEUED | EventType.REQUEUED:
                return {**event.data, **self.queue(event.data)}
            case EventType.FORCE_DISCONNECT:
                return self.notification(event.data)
            case EventType.NEW_MATCH if over:
                return {**event.data, "type": EventType.PAST_MATCH}
            case EventType.NEW_MATCH:
                return self.match(event.data, user)
            case _:
                return event.data
