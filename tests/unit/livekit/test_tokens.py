"""Our tokens are those the SDK would make, had it our clock."""

import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
import time_machine
from livekit import api

from dormparty_sse.domain.clock import Clock
from dormparty_sse.livekit.tokens import TokenMint
from tests.support.stack import KEY

NOW = 1_700_000_000


@pytest.fixture
def mint() -> TokenMint:
    clock = Clock()
    clock.learn(NOW * 1000 + 300)
    return TokenMint(api_key=KEY.key, api_secret=KEY.secret, clock=clock, ttl_s=90)


def claims_of(token: str) -> dict[str, Any]:
    options: Any = {"verify_exp": False, "verify_nbf": False}
    claims: dict[str, Any] = jwt.decode(token, KEY.secret, algorithms=["HS256"], options=options)
    return claims


def sdk_token(grants: api.VideoGrants, ttl_s: float) -> api.AccessToken:
    return api.AccessToken(KEY.key, KEY.secret).with_grants(grants).with_ttl(timedelta(seconds=ttl_s))


def test_join_token_is_the_sdk_s_by_our_clock(mint: TokenMint) -> None:
    grants = api.VideoGrants(
        room_join=True,
        room="a room",
        can_publish=True,
        can_subscribe=True,
        can_publish_data=True,
        can_update_own_metadata=False,
    )
    ours = mint.join_token("a room", "ann")
    with time_machine.travel(NOW, tick=False):
        theirs = sdk_token(grants, 90).with_identity("ann").to_jwt()
    assert claims_of(ours) == claims_of(theirs)
    assert jwt.get_unverified_header(ours) == jwt.get_unverified_header(theirs)


def test_call_token_is_the_sdk_s_by_our_clock_and_soon_over(mint: TokenMint) -> None:
    grants = api.VideoGrants(room_admin=True, room="a room")
    ours = mint.call_token(grants)
    with time_machine.travel(NOW, tick=False):
        theirs = sdk_token(grants, 60).to_jwt()
    assert claims_of(ours) == claims_of(theirs)


def test_join_token_needs_somebody_and_a_room(mint: TokenMint) -> None:
    for room_name, user_id in (("", "ann"), ("a room", "")):
        with pytest.raises(ValueError, match="room or an identity"):
            mint.join_token(room_name, user_id)


def test_wrong_machine_s_clock_changes_nothing(mint: TokenMint) -> None:
    with time_machine.travel(time.time() + 3600):
        assert claims_of(mint.join_token("a room", "ann"))["nbf"] == NOW
