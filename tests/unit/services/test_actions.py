"""What the service makes of the store's answers."""

import pytest

from dormparty_sse.domain.actions import allowed_in
from dormparty_sse.domain.errors import Forbidden, InvalidState
from dormparty_sse.domain.models import Commit
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.domain.states import State
from dormparty_sse.services import actions


def commit(outcome: Outcome) -> Commit:
    return Commit(
        outcome=outcome,
        pool="main",
        now=1,
        transitions=(),
        due_at=None,
        rematch=False,
        fields={"state": "IN_CALL", "seq": 3},
    )


def test_an_action_that_its_state_does_not_allow_is_a_conflict_that_names_what_is() -> None:
    with pytest.raises(InvalidState) as refusal:
        actions.outcome_answer(commit(Outcome.INVALID_STATE))
    assert refusal.value.extra == {"state": State.IN_CALL, "allowed": allowed_in(State.IN_CALL)}


def test_a_match_of_other_people_is_forbidden() -> None:
    with pytest.raises(Forbidden):
        actions.outcome_answer(commit(Outcome.FOREIGN_SESSION))
