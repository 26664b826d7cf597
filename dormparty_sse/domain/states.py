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


#: from -> every state that may follow. Nothing else is ever done.
TRANSITIONS: dict[State, frozenset[State]] = {
    State.IDLE: frozenset({State.WAITING}),
    State.WAITING: frozenset({State.CONNECTING, State.IDLE}),
    State.CONNECTING: frozenset({State.IN_CALL, State.WAITING}),
    State.IN_CALL: frozenset({State.DISCONNECTING}),
    State.DISCONNECTING: frozenset({State.WAITING, State.IDLE}),
}


def is_allowed(start: State, to: State) -> bool:
    """Is this one step of the table?"""
    return to in TRANSITIONS[start]


def way(start: State, to: State) -> tuple[State, ...] | None:
    """The fewest steps that lead there, without `start`; None where a user alone cannot get there.

    Nobody gets CONNECTING alone: that takes a partner and a room, and is the matcher's work. And no way leads
    through a call.
    """
    ways: list[tuple[State, ...]] = [(follower,) for follower in sorted(TRANSITIONS[start])]
    for path in ways:  # grows while it is read: breadth first
        if State.CONNECTING in path or State.IN_CALL in path[:-1] or len(path) > len(State):
            continue
        if path[-1] is to:
            return path
        ways += [(*path, follower) for follower in sorted(TRANSITIONS[path[-1]])]
    return None


#: from -> to -> the states on the way, `to` included.
WAYS: dict[State, dict[State, tuple[State, ...]]] = {
    start: {to: path for to in State if to is not start and (path := way(start, to))} for start in State
}


def within_reach(start: State, *, force: bool = False) -> list[State]:
    """Where a user alone can be led to from here: in one step, or, by `force`, in several."""
    return [to for to, path in WAYS[start].items() if force or len(path) == 1]
