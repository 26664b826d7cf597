"""How somebody came to be out of a room, as far as it matters to the match."""

from enum import StrEnum


class Departure(StrEnum):
    """What a participant's end in LiveKit means."""

    LEFT = "left"  #: The client said goodbye.
    LOST = "lost"  #: LiveKit lost or removed the client.
    ABSENT = "absent"  #: The client never got as far as media.
    CLOSED = "closed"  #: The room was closed around it.
    REPLACED = "replaced"  #: The same user joined anew; nobody left.
