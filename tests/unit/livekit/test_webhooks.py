"""Webhooks may be signed with a key of their own."""

import json

import pytest

from dormparty_sse.dev.livekit_server import LiveKitKey
from dormparty_sse.domain.errors import BadSignature
from dormparty_sse.livekit.webhooks import WebhookVerifier
from dormparty_sse.settings import Settings
from tests.support.stack import KEY, SECRET
from tests.support.webhooks import signature

OWN = LiveKitKey(key="webhooks", secret="a-secret-for-webhooks-and-for-nothing-else")
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
    verifier = WebhookVerifier(*settings.webhook_key)
    assert verifier.read(BODY, signature(BODY, OWN)).name == "room_finished"
    for other in (KEY, LiveKitKey(key=OWN.key, secret=SECRET), LiveKitKey(key=KEY.key, secret=OWN.secret)):
        with pytest.raises(BadSignature):
            verifier.read(BODY, signature(BODY, other))
