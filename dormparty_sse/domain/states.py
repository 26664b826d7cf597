"""The five states of a user and the one table of allowed steps.

The script loader compiles this table into every Lua script, so Python and Lua cannot disagree.
"""

from enum import StrEnum


class State(StrEnum):
    """Where a user stands. A user is in exactly one state at any time."""

    IDLE = "IDLE"  #: At home: known to the service, wants nothing.
    WAITING = "WAITING"  #: In the queue (or held back from it while a room is made for them).
    CONNECTING = "CONNECTING"  #: Matched, the room exists, not both are in it yet.
    IN_CALL = "IN_CALL"  #: Both are in the room, as LiveKit says.
    DISCONNECTING = "DISCONNECTING"  #: The call is over and the user has a moment to leave the room.


#: from -> every state that may follow. Nothing else is ever done, save by an admin's forced step.
TRANSITIONS: dict[State, frozenset[State]] = {
    State.IDLE: frozenset({State.WAITING}),
    State.WAITING: frozenset({State.CONNECTING, State.IDLE}),
    State.CONNECTING: frozenset({State.IN_CALL, State.WAITING}),
    State.IN_CALL: frozenset({State.DISCONNECTING}),
    State.DISCONNECTING: frozenset({State.WAITING, State.IDLE}),
}
