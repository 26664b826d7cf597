"""Webhooks: is this body signed by our LiveKit, and what does it say?"""

from dataclasses import dataclass

import jwt
from livekit import api
from livekit.api.access_token import Claims
from livekit.protocol.models import DisconnectReason
from livekit.protocol.models import ParticipantInfo as WireParticipant

from dormparty_sse.domain.clock import Clock, in_force
from dormparty_sse.domain.departures import Departure
from dormparty_sse.domain.errors import BadSignature
from dormparty_sse.domain.models import Participant

_LEEWAY_S = 60  # LiveKit's clock is not Redis's

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
    created_at: int  #: When it happened, in s since the epoch by LiveKit's clock; 0 where that is not told.
    participant: Participant | None
    departure: Departure  #: Of the participant, where the event is about one who is gone.


class _TokenVerifier(api.TokenVerifier):
    """Demands what the SDK's demands, save that it asks `clock` for the time; the SDK asks the machine."""

    def __init__(self, api_key: str, secret: str, clock: Clock) -> None:
        super().__init__(api_key, secret)
        self._key, self._secret, self._clock = api_key, secret, clock

    def verify(self, token: str, *, verify_signature: bool = True) -> Claims:
        claims = jwt.decode(
            token,
            self._secret,
            algorithms=["HS256"],
            issuer=self._key,
            options={
                "verify_signature": verify_signature,
                "require": ["exp"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
        if not in_force(claims, self._clock.now_s(), _LEEWAY_S):
            raise BadSignature
        return Claims(sha256=claims.get("sha256", ""))


class WebhookVerifier:
    """Verifies and reads webhooks signed with one API key."""

    def __init__(self, api_key: str, secret: str, clock: Clock) -> None:
        self._receiver = api.WebhookReceiver(_TokenVerifier(api_key, secret, clock))

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
            created_at=event.created_at,
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
