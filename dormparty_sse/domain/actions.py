"""Which action may be asked for in which state: the one place that says so.

The script loader compiles this table into every script that carries out an action, so it is checked in the
same atomic step as the action itself.
"""

from dataclasses import dataclass
from enum import StrEnum

from dormparty_sse.domain.states import State


class Action(StrEnum):
    """What a user can ask for, by the last part of its path."""

    ENQUEUE = "enqueue"
    SKIP = "skip"
    END = "end"
    LEAVE = "leave"
    ROOM_CLOSE_ACK = "room-close-ack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """In any state that is in neither, the action is refused (409) and changes nothing."""

    acts_in: frozenset[State]  #: Here it does what its name says.
    answers_in: frozenset[State]  #: Here there is nothing to do, and the `outcome` says so.

    @property
    def states(self) -> frozenset[State]:
        """Where the action is not refused."""
        return self.acts_in | self.answers_in


def _acts_in(*states: State, refused_in: frozenset[State] = frozenset()) -> Requirement:
    acts_in = frozenset(states)
    return Requirement(acts_in=acts_in, answers_in=frozenset(State) - acts_in - refused_in)


_IN_MATCH = frozenset({State.CONNECTING, State.IN_CALL})
_BUSY = _IN_MATCH | {State.DISCONNECTING}

ACTIONS: dict[Action, Requirement] = {
    Action.ENQUEUE: _acts_in(State.IDLE, refused_in=_BUSY),
    Action.SKIP: _acts_in(*_IN_MATCH),
    Action.END: _acts_in(State.WAITING, *_BUSY),
    Action.LEAVE: _acts_in(State.WAITING, *_BUSY),
    Action.ROOM_CLOSE_ACK: _acts_in(State.DISCONNECTING),
}


def allowed_in(state: State) -> list[Action]:
    """The actions that do something in this state."""
    return [action for action, requirement in ACTIONS.items() if state in requirement.acts_in]
