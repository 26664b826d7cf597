"""Whose signature counts, and when. Webhooks may be signed with a key of their own."""

import base64
import hashlib
import json

import jwt
import pytest
import time_machine
from livekit import api

from dormparty_sse.dev.livekit_server import LiveKitKey
from dormparty_sse.domain.clock import Clock
from dormparty_sse.domain.errors import BadSignature
from dormparty_sse.livekit.webhooks import WebhookVerifier
from dormparty_sse.settings import Settings
from tests.support.stack import KEY, SECRET
from tests.support.webhooks import signature

OWN = LiveKitKey(key="webhooks", secret="a-secret-for-webhooks-and-for-nothing-else")
NOW = 1_700_000_000
BODY = json.dumps({"event": "room_finished", "room": {"name": "any"}, "id": "EV_1"}).encode()


def test_the_key_of_the_settings_is_the_one_that_counts() -> None:
    settings = Settings(
        redis_url="redis://127.0.0.1:1",
        livekit_url="ws://127.0.0.1:2",
        livekit_api_key=KEY.key,
        livekit_api_secret=KEY.secret,
        livekit_webhook_key=OWN.key,
        livekit_webhook_secret=OWN.secret,
        session_secret=SECRET,
        admin_token=SECRET,
    )
    verifier = WebhookVerifier(*settings.webhook_key, Clock())
    assert verifier.read(BODY, signature(BODY, OWN)).name == "room_finished"
    for other in (KEY, LiveKitKey(key=OWN.key, secret=SECRET), LiveKitKey(key=KEY.key, secret=OWN.secret)):
        with pytest.raises(BadSignature):
            verifier.read(BODY, signature(BODY, other))


def webhook_token(**times: float) -> str:
    digest = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
    return jwt.encode({"iss": KEY.key, "sha256": digest, **times}, KEY.secret, algorithm="HS256")


@pytest.mark.parametrize(
    ("times", "accepted"),
    [
        ({"exp": 300, "nbf": 0}, True),
        ({"exp": -59}, True),
        ({"exp": -60}, False),
        ({"exp": 300, "nbf": 59}, True),
        ({"exp": 300, "nbf": 62}, False),
        ({"exp": 300, "iat": 62}, False),
        ({"nbf": 0}, False),
    ],
)
def test_signature_counts_by_our_clock_as_the_sdk_would_have_it(
    times: dict[str, int], *, accepted: bool
) -> None:
    clock = Clock()
    clock.learn(NOW * 1000)
    token = webhook_token(**{name: NOW + at for name, at in times.items()})
    assert accepts(WebhookVerifier(KEY.key, KEY.secret, clock), token) is accepted
    with time_machine.travel(NOW):
        assert accepts(api.WebhookReceiver(api.TokenVerifier(KEY.key, KEY.secret)), token) is accepted


def accepts(verifier: WebhookVerifier | api.WebhookReceiver, token: str) -> bool:
    try:
        if isinstance(verifier, WebhookVerifier):
            verifier.read(BODY, token)
        else:
            verifier.receive(BODY.decode(), token)
    except (BadSignature, jwt.PyJWTError):
        return False
    return True
