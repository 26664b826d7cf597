"""The transition table is the contract's, and no state is a dead end."""

from itertools import chain, pairwise

from dormparty_sse.domain.states import TRANSITIONS, WAYS, State, is_allowed

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


def test_a_way_is_made_of_allowed_steps_and_leads_there() -> None:
    for start, ways in WAYS.items():
        for to, steps in ways.items():
            assert steps[-1] is to
            assert all(is_allowed(a, b) for a, b in pairwise((start, *steps)))


def test_everybody_can_be_led_home_and_nobody_into_a_match() -> None:
    for start in set(State) - {State.IDLE}:
        assert State.IDLE in WAYS[start]
    for start in State:
        assert State.CONNECTING not in WAYS[start]
        assert (State.IN_CALL in WAYS[start]) == (start is State.CONNECTING)


def test_no_way_leads_through_a_call() -> None:
    for ways in WAYS.values():
        for steps in ways.values():
            assert State.IN_CALL not in steps[:-1]
