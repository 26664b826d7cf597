"""The models of bodies: what is taken as it is, what is made uniform, what is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dormparty_sse.web.bodies import Body, EnqueueBody, MatchBody, PoolBody, RoomBody

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
FIELDS = st.sampled_from(["userId", "sessionId", "roomName", "interests", "pool", "__proto__", "x"])


def test_interests_are_trimmed_and_of_one_case() -> None:
    body = EnqueueBody.model_validate({"interests": [" Music ", "CHESS", "\u00c4pfel"]})
    assert body.interests == ["music", "chess", "\u00e4pfel"]


def test_an_interest_is_measured_as_it_is_kept() -> None:
    assert EnqueueBody.model_validate({"interests": [" " * 50 + "x" * 40]}).interests == ["x" * 40]


def test_members_are_named_as_in_the_contract() -> None:
    assert MatchBody.model_validate({"sessionId": "a", "userId": "b"}).session_id == "a"
    assert RoomBody.model_validate({"roomName": "a"}).room_name == "a"


@pytest.mark.parametrize("value", [1, 1.5, True, [], {}, b"bytes"])
def test_nothing_is_made_a_string_that_is_none(value: Any) -> None:
    for model, name in ((MatchBody, "sessionId"), (RoomBody, "roomName"), (Body, "userId")):
        with pytest.raises(ValidationError):
            model.model_validate({name: value})


@pytest.mark.parametrize("pool", ["main", "a", "0-9", "x" * 32, None])
def test_a_pool_name_is_taken(pool: str | None) -> None:
    assert PoolBody.model_validate({"pool": pool}).pool == pool


@given(st.dictionaries(FIELDS, JSON))
def test_any_object_is_taken_or_refused_and_nothing_else(data: dict[str, Any]) -> None:
    for model in (Body, PoolBody, EnqueueBody, MatchBody, RoomBody):
        try:
            body = model.model_validate(data)
        except ValidationError:
            continue
        assert not body.model_extra
