"""Why a match ends, and what each reason means for the two people in it.

Like the transition table, this one is compiled into every Lua script. Each ending has its *leavers*
(who caused it: one user, or none, or both who never came) and its *others* (whom it merely happened to).
Others always go back to the queue.
"""

from dataclasses import dataclass
from enum import StrEnum

from dormparty_sse.domain.events import EventType
from dormparty_sse.domain.states import State


class Reason(StrEnum):
    """Why a match ended, as `notification.reason` says it."""

    SKIP = "skip"  #: A user pressed Skip.
    END = "end"  #: A user pressed End.
    LEAVE = "leave"  #: A user closed the page, and the page said so.
    PARTNER_LEFT = "partner-left"  #: LiveKit saw a client leave the room of its own will.
    CONNECTION_LOST = "connection-lost"  #: LiveKit lost a client that did not say goodbye.
    CONNECT_TIMEOUT = "connect-timeout"  #: Somebody never came into the room.
    ROOM_FINISHED = "room-finished"  #: LiveKit closed the room.
    BLOCKED = "blocked"  #: A user has blocked the other one.
    STALE = "stale"  #: A user was not seen for too long.
    ROOM_FAILED = "room-failed"  #: The room, or the match itself, is not there any more.
    ADMIN = "admin"  #: An operator ended it.


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What one reason means.

    The leavers go to `leavers_to` and get `leavers_get`. The others get `force-disconnect` with
    `others_see` as its reason. A skip sends everybody to the tail of the queue; in every other ending
    whoever did not cause it keeps the old place.
    """

    leavers_to: State
    leavers_get: EventType
    others_see: str
    others_keep_place: bool = True
    cools: bool = False  #: Keep this pair apart for the pair cooldown.


ENDINGS: dict[Reason, Ending] = {
    Reason.SKIP: Ending(
        leavers_to=State.WAITING,
        leavers_get=EventType.SKIP_CONFIRMED,
        others_see="partner-skipped",
        others_keep_place=False,
        cools=True,
    ),
    Reason.END: Ending(
        leavers_to=State.IDLE, leavers_get=EventType.END_CONFIRMED, others_see="partner-ended"
    ),
    Reason.LEAVE: Ending(
        leavers_to=State.IDLE, leavers_get=EventType.END_CONFIRMED, others_see="partner-left"
    ),
    Reason.PARTNER_LEFT: Ending(
        leavers_to=State.IDLE, leavers_get=EventType.END_CONFIRMED, others_see="partner-left"
    ),
    Reason.CONNECTION_LOST: Ending(
        leavers_to=State.WAITING,
        leavers_get=EventType.FORCE_DISCONNECT,
        others_see="connection-lost",
    ),
    Reason.CONNECT_TIMEOUT: Ending(
        leavers_to=State.IDLE,
        leavers_get=EventType.FORCE_DISCONNECT,
        others_see="connect-timeout",
    ),
    Reason.ROOM_FINISHED: Ending(
        leavers_to=State.WAITING,
        leavers_get=EventType.FORCE_DISCONNECT,
        others_see="room-finished",
    ),
    Reason.BLOCKED: Ending(
        leavers_to=State.WAITING,
        leavers_get=EventType.SKIP_CONFIRMED,
        others_see="blocked",
        others_keep_place=False,
    ),
    Reason.STALE: Ending(leavers_to=State.IDLE, leavers_get=EventType.FORCE_DISCONNECT, others_see="stale"),
    Reason.ROOM_FAILED: Ending(
        leavers_to=State.WAITING,
        leavers_get=EventType.FORCE_DISCONNECT,
        others_see="room-failed",
    ),
    Reason.ADMIN: Ending(leavers_to=State.IDLE, leavers_get=EventType.FORCE_DISCONNECT, others_see="admin"),
}
