"""What a command answers. The scripts return these words, and clients read them in `outcome`."""

from enum import StrEnum


class Outcome(StrEnum):
    """One word for what a command did."""

    DONE = "done"  #: It did what its name says, and there is no more to tell.
    NOTHING = "nothing"  #: There was nothing (left) to do.

    QUEUED = "queued"  #: The user joined the queue.
    ALREADY_QUEUED = "already-queued"  #: The user stood in the queue before, and keeps the place.
    SKIPPED = "skipped"  #: The match ended by this skip.
    ENDED = "ended"  #: The match ended, or its end was turned into going home.
    CANCELLED = "cancelled"  #: The user left the queue.
    ALREADY_PROCESSED = "already-processed"  #: That match was over before this came.
    NO_ACTIVE_MATCH = "no-active-match"  #: There is no match to skip.
    IDLE = "idle"  #: The user was at home already.
    ACKNOWLEDGED = "acknowledged"  #: The user is out of the room.
    NOTHING_TO_ACKNOWLEDGE = "nothing-to-acknowledge"  #: No such room was being closed.

    BLOCKED = "blocked"  #: The two never meet again.
    REPORTED = "reported"  #: Likewise, and the moderators are told.

    COOLING_DOWN = "cooling-down"  #: The user has skipped too often; nothing changed.
    BARRED = "barred"  #: The user is suspended or banned; nothing changed.
    UNKNOWN_SESSION = "unknown-session"  #: The session is none of the user's latest matches; nothing changed.
    INVALID_STATE = "invalid-state"  #: The user's state does not allow this; nothing changed.
    INVALID_STEP = "invalid-step"  #: One of the steps asked for is not allowed; nothing changed.
    FOREIGN_SESSION = "foreign-session"  #: The session is a match of other people; nothing changed.
