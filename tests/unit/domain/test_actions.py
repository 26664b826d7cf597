"""The table of actions: every action is decided for every state, and what is offered does something."""

import pytest

from dormparty_sse.domain.actions import ACTIONS, Action, allowed_in
from dormparty_sse.domain.states import State
from tests.support.routes import user_routes


def test_every_action_has_its_requirement() -> None:
    assert ACTIONS.keys() == set(Action)


@pytest.mark.parametrize("action", Action)
def test_an_action_either_does_something_or_answers_or_is_refused(action: Action) -> None:
    requirement = ACTIONS[action]
    assert not requirement.acts_in & requirement.answers_in
    assert requirement.acts_in


def test_every_state_has_a_way_on() -> None:
    assert all(allowed_in(state) for state in State)


def test_nobody_is_offered_what_would_be_refused() -> None:
    for state in State:
        assert all(state in ACTIONS[action].states for action in allowed_in(state))


def test_only_joining_the_queue_is_ever_refused_since_late_clicks_are_no_errors() -> None:
    refused = {action for action in Action if ACTIONS[action].states != set(State)}
    assert refused == {Action.ENQUEUE}
    assert set(State) - ACTIONS[Action.ENQUEUE].states == {
        State.CONNECTING,
        State.IN_CALL,
        State.DISCONNECTING,
    }


def test_every_action_is_an_endpoint() -> None:
    paths = {path for method, path in user_routes() if method == "POST"}
    assert {f"/api/matching/{action}" for action in Action} <= paths
