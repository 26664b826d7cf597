"""The events of a stream, as the schema shows them. What each is for: domain/events.py."""

from typing import Annotated, Literal

from pydantic import Field, RootModel

from dormparty_sse.domain.events import EventType
from dormparty_sse.domain.states import State
from dormparty_sse.web.answers import Answer, BarAnswer, Match, Queue, StatusAnswer, UserAnswer, Waiting


class AnEvent(Answer):
    """What every event has. `id` is in the answer of a poll alone: a stream has it in a line of its own."""

    type: EventType
    timestamp: int
    id: str | None = None


class Connected(AnEvent, StatusAnswer):
    """Where the user stands. `resync`: this stands for events that are lost."""

    type: Literal[EventType.CONNECTED]
    resync: bool


class Queued(AnEvent, UserAnswer, Queue):
    """The user is in line."""

    type: Literal[EventType.QUEUED]


class Requeued(AnEvent, UserAnswer, Queue):
    """The user is in line again."""

    type: Literal[EventType.REQUEUED]
    reason: str
    session_id: str | None = None


class QueueUpdate(AnEvent, Waiting):
    """The line has moved."""

    type: Literal[EventType.QUEUE_UPDATE]


class NewMatch(AnEvent, UserAnswer, Match):
    """Somebody was found: join the room."""

    type: Literal[EventType.NEW_MATCH]


class PastMatch(AnEvent, UserAnswer):
    """A `new-match` that was missed, and is over."""

    type: Literal[EventType.PAST_MATCH]
    session_id: str
    room_name: str
    user1: str
    user2: str
    partner_id: str
    created_at: int
    common_interests: list[str] | None = None


class CallStarted(AnEvent, UserAnswer):
    """Both are in the room."""

    type: Literal[EventType.CALL_STARTED]
    session_id: str
    room_name: str


class PartnerReconnecting(AnEvent):
    """The partner is away, until `endsAt` at most."""

    type: Literal[EventType.PARTNER_RECONNECTING]
    session_id: str
    ends_at: int


class PartnerBack(AnEvent):
    """The partner is there again."""

    type: Literal[EventType.PARTNER_BACK]
    session_id: str


class Ended(AnEvent):
    """A match is over. With `state` and `seq` where this is a step of the user."""

    session_id: str
    target_state: State
    state: State | None = None
    seq: int | None = None


class SkipConfirmed(Ended):
    """By the user's own Skip, block or report. `cooldownUntil`: no further skip until then."""

    type: Literal[EventType.SKIP_CONFIRMED]
    cooldown_until: int | None = None


class EndConfirmed(Ended):
    """By the user's own End, or leaving."""

    type: Literal[EventType.END_CONFIRMED]


class ForceDisconnect(Ended):
    """By somebody or something else."""

    type: Literal[EventType.FORCE_DISCONNECT]
    reason: str
    initiated_by: str | None


class RoomClosing(AnEvent):
    """Leave the room, and say so with `room-close-ack`."""

    type: Literal[EventType.ROOM_CLOSING]
    room_name: str
    session_id: str
    reason: str


class Idle(AnEvent, UserAnswer):
    """At home."""

    type: Literal[EventType.IDLE]
    reason: str
    session_id: str | None = None
    bar: BarAnswer | None = None  #: Why, where the user is kept out.


class Heartbeat(AnEvent):
    """The stream is alive."""

    type: Literal[EventType.HEARTBEAT]


class Superseded(AnEvent):
    """Another stream of the user took over; this one ends."""

    type: Literal[EventType.SUPERSEDED]


class Draining(AnEvent):
    """This process stops: come back, after `reconnectInMs` where it is named."""

    type: Literal[EventType.DRAINING]
    reconnect_in_ms: int | None = None


class Event(
    RootModel[
        Annotated[
            Connected
            | Queued
            | Requeued
            | QueueUpdate
            | NewMatch
            | PastMatch
            | CallStarted
            | PartnerReconnecting
            | PartnerBack
            | SkipConfirmed
            | EndConfirmed
            | ForceDisconnect
            | RoomClosing
            | Idle
            | Heartbeat
            | Superseded
            | Draining,
            Field(discriminator="type"),
        ]
    ]
):
    """One event; `type` says which."""


class PollAnswer(Answer):
    """The events, and the id to ask from next."""

    events: list[Event]
    last_event_id: str | None


_JSON_OF_EVENT = {
    "contentMediaType": "application/json",
    "contentSchema": {"$ref": "#/components/schemas/Event"},
}


class StreamItem(Answer):
    """What `text/event-stream` has for one event. It has no `event` line: the `type` is in the data."""

    data: Annotated[str, Field(json_schema_extra=_JSON_OF_EVENT)]
    id: str | None = None
    retry: int | None = None
