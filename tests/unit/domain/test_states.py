"""The transition table is the contract's, and no state is a dead end."""

from itertools import chain

from dormparty_sse.domain.states import TRANSITIONS, State

#: As the contract has it.
ALLOWED = {
    ("IDLE", "WAITING"),
    ("WAITING", "CONNECTING"),
    ("WAITING", "IDLE"),
    ("CONNECTING", "IN_CALL"),
    ("CONNECTING", "WAITING"),
    ("IN_CALL", "DISCONNECTING"),
    ("DISCONNECTING", "WAITING"),
    ("DISCONNECTING", "IDLE"),
}


def reachable_from(start: State) -> set[State]:
    """Every state that one may come to in one step or more."""
    found: set[State] = set()
    ahead = [start]
    while ahead:
        new = set(chain.from_iterable(TRANSITIONS[state] for state in ahead)) - found
        found |= new
        ahead = list(new)
    return found


def test_the_steps_are_those_of_the_contract_and_no_others() -> None:
    assert {(start, follow) for start, follows in TRANSITIONS.items() for follow in follows} == ALLOWED


def test_there_are_five_states_and_each_has_its_steps() -> None:
    assert set(State) == TRANSITIONS.keys()
    assert len(State) == 5


def test_every_state_can_be_reached_and_left_for_home() -> None:
    assert reachable_from(State.IDLE) == set(State)
    for state in State:
        assert State.IDLE in reachable_from(state)


def test_no_step_stays_where_it_is() -> None:
    assert not any(state in follows for state, follows in TRANSITIONS.items())
