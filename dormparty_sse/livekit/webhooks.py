"""Webhooks: is this body signed by our LiveKit, and what does it say?"""

from dataclasses import dataclass

from livekit import api
from livekit.protocol.models import DisconnectReason
from livekit.protocol.models import ParticipantInfo as WireParticipant

from dormparty_sse.domain.departures import Departure
from dormparty_sse.domain.errors import BadSignature
from dormparty_sse.domain.models import Participant

_DEPARTURES: dict[int, Departure] = {
    DisconnectReason.CLIENT_INITIATED: Departure.LEFT,
    DisconnectReason.DUPLICATE_IDENTITY: Departure.REPLACED,
    DisconnectReason.MIGRATION: Departure.REPLACED,
    DisconnectReason.ROOM_DELETED: Departure.CLOSED,
    DisconnectReason.ROOM_CLOSED: Departure.CLOSED,
    DisconnectReason.SERVER_SHUTDOWN: Departure.CLOSED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEvent:
    """What LiveKit says has happened."""

    event_id: str
    name: str  #: "participant_joined", …
    room_name: str
    room_sid: str
    participant: Participant | None
    departure: Departure  #: Of the participant, where the event is about one who is gone.


class WebhookVerifier:
    """Verifies and reads webhooks signed with one API key."""

    def __init__(self, api_key: str, secret: str) -> None:
        self._receiver = api.WebhookReceiver(api.TokenVerifier(api_key, secret))

    def read(self, body: bytes, authorization: str) -> WebhookEvent:
        """The event in a raw body. `authorization` is the bare JWT that LiveKit sends.

        Raises BadSignature for a wrong or missing signature, another key, another body's hash, an expired
        token, or a body that is no webhook at all.
        """
        try:
            event = self._receiver.receive(body.decode(), authorization.removeprefix("Bearer ").strip())
        except Exception as error:  # the SDK raises a bare Exception for a missing or different hash
            raise BadSignature from error
        return WebhookEvent(
            event_id=event.id,
            name=event.event,
            room_name=event.room.name,
            room_sid=event.room.sid,
            participant=_participant(event.participant) if event.HasField("participant") else None,
            departure=_departure(event.event, event.participant.disconnect_reason),
        )


def _participant(wire: WireParticipant) -> Participant:
    joined_at = wire.joined_at_ms or wire.joined_at * 1000
    return Participant(identity=wire.identity, sid=wire.sid, joined_at=joined_at)


def _departure(event_name: str, reason: int) -> Departure:
    known = _DEPARTURES.get(reason)
    if known:
        return known
    return Departure.ABSENT if event_name == "participant_connection_aborted" else Departure.LOST
