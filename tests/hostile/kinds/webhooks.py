"""Webhooks that LiveKit has not sent, or has sent before."""

import json
from dataclasses import replace

from tests.hostile.kind import HARMLESS, TOO_LARGE, UNAUTHENTICATED, WRONG_METHOD, Kind
from tests.hostile.scene import Scene, signed
from tests.support.stack import KEY
from tests.support.webhooks import signature

_WRONG_SECRET = replace(KEY, secret="not-the-secret-that-the-service-knows-of-livekit")
_WRONG_KEY = replace(KEY, key="another-key")
_NO_WEBHOOK = (b"", b"null", b"not json", b"\xff\xfe", b'{"event": 1}', b"[" * 10_000)


def _finished(scene: Scene) -> bytes:
    """What would end the victim's call."""
    return json.dumps(scene.room.finished()).encode()


def _unsigned(scene: Scene, number: int) -> bytes:
    return scene.webhook(_finished(scene), ("", "Bearer", "x", "Basic x:y", "null")[number % 5])


def _forged(scene: Scene, number: int) -> bytes:
    body = _finished(scene)
    return scene.webhook(body, signature(body, (_WRONG_SECRET, _WRONG_KEY)[number % 2]))


def _of_another_body(scene: Scene, number: int) -> bytes:
    """The signature is LiveKit's, of something that it did say."""
    body, authorization = scene.captured
    changed = (_finished(scene), body + b" ", body.replace(b"joined", b"left"), body[:-1])
    return scene.webhook(changed[number % 4], authorization)


def _expired(scene: Scene, number: int) -> bytes:
    body = _finished(scene)
    return scene.webhook(body, signature(body, expires_in_s=-90 - number))


def _of_a_session(scene: Scene, number: int) -> bytes:
    """Tokens that are good for something else."""
    tokens = (scene.idler.token, f"Bearer {scene.victim.token}", scene.match["token"])
    return scene.webhook(_finished(scene), tokens[number % 3])


def _without_hash(scene: Scene, number: int) -> bytes:
    claims = (
        {"iss": KEY.key, "exp": 2**31, "jti": str(number)},
        {"iss": KEY.key, "exp": 2**31, "sha256": ""},
    )
    return scene.webhook(_finished(scene), signed(claims[number % 2], KEY.secret))


def _replayed(scene: Scene, _number: int) -> bytes:
    return scene.webhook(*scene.captured)


def _no_webhook(scene: Scene, number: int) -> bytes:
    body = _NO_WEBHOOK[number % len(_NO_WEBHOOK)]
    return scene.webhook(body, signature(body))


def _too_large(scene: Scene, number: int) -> bytes:
    return scene.webhook(b" " * (256 * 1024 + 1 + number % 100), "x")


def _by_get(scene: Scene, number: int) -> bytes:
    return scene.send(f"{('GET', 'PUT', 'DELETE')[number % 3]} /api/livekit/webhooks")


KINDS = [
    Kind(name="a webhook without signature", right=UNAUTHENTICATED, make=_unsigned),
    Kind(name="a forged webhook", right=UNAUTHENTICATED, make=_forged),
    Kind(name="a webhook's signature for another", right=UNAUTHENTICATED, make=_of_another_body),
    Kind(name="an expired webhook", right=UNAUTHENTICATED, make=_expired),
    Kind(name="a webhook with a session's token", right=UNAUTHENTICATED, make=_of_a_session),
    Kind(name="a webhook's signature of nothing", right=UNAUTHENTICATED, make=_without_hash),
    Kind(name="a replayed webhook", right=HARMLESS, make=_replayed),
    Kind(name="a signed body that is no webhook", right=UNAUTHENTICATED, make=_no_webhook),
    Kind(name="a large webhook", right=TOO_LARGE, make=_too_large),
    Kind(name="a webhook by another method", right=WRONG_METHOD, make=_by_get),
]
