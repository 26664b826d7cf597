"""The types of the events a stream carries.

Each transition is carried by exactly one replayable event, which has its `seq`:

    IDLE -> WAITING             queued
    WAITING -> CONNECTING       new-match
    CONNECTING -> IN_CALL       call-started
    IN_CALL -> DISCONNECTING    skip-confirmed, end-confirmed or force-disconnect
    any other -> WAITING        requeued
    any -> IDLE                 idle

Confirmations and `force-disconnect` are sent for a match that ends while still CONNECTING too; there
the transition is carried by the `requeued` that follows, and they have no `seq`.
"""

from enum import StrEnum


class EventType(StrEnum):
    """The `type` of an event."""

    # Replayable: in the user's log, with an id.
    QUEUED = "queued"
    NEW_MATCH = "new-match"
    CALL_STARTED = "call-started"
    SKIP_CONFIRMED = "skip-confirmed"
    END_CONFIRMED = "end-confirmed"
    FORCE_DISCONNECT = "force-disconnect"
    ROOM_CLOSING = "room-closing"
    REQUEUED = "requeued"
    IDLE = "idle"
    PARTNER_RECONNECTING = "partner-reconnecting"  #: The partner is away; the call ends unless it comes back.
    PARTNER_BACK = "partner-back"
    PAST_MATCH = "past-match"  #: A `new-match` that is replayed after its match has ended.

    # Of the moment: no id, never replayed.
    CONNECTED = "connected"
    QUEUE_UPDATE = "queue-update"
    HEARTBEAT = "heartbeat"
    SUPERSEDED = "superseded"
    DRAINING = "draining"
