"""Credentials that are none, or are for something else."""

import base64
import json
import secrets
import time
from typing import Any

from tests.hostile.kind import FORBIDDEN, UNAUTHENTICATED, Kind
from tests.hostile.scene import ACTIONS, ADMIN, QUESTIONS, Scene, bearer, cookie, signed
from tests.support.stack import KEY

#: Long enough for every algorithm; the service's own is not known to an attacker.
_OTHER_SECRET = "a-secret-that-somebody-has-guessed-and-that-is-not-the-one-of-the-service-at-all"


def _use(scene: Scene, number: int, token: str | bytes) -> bytes:
    """Any request that takes a session, with this token in the header or in the cookie."""
    header: str | bytes
    if isinstance(token, bytes):
        header = b"Authorization: Bearer " + token
    else:
        header = cookie(token) if number % 3 == 0 else bearer(token)
    if number % 2:
        return scene.send(f"GET /api/matching/{QUESTIONS[number % len(QUESTIONS)]}", header)
    return scene.send(f"POST /api/matching/{ACTIONS[number % len(ACTIONS)]}", header, body=b"{}")


def _claim(scene: Scene, number: int, **changed: Any) -> bytes:
    return _use(scene, number, signed(scene.claims(jti=number, **changed)))


def _other_secret(scene: Scene, number: int) -> bytes:
    return _use(scene, number, signed(scene.claims(jti=number), _OTHER_SECRET))


def _other_algorithm(scene: Scene, number: int) -> bytes:
    algorithm = ("HS384", "HS512")[number % 2]
    return _use(scene, number, signed(scene.claims(jti=number), _OTHER_SECRET, algorithm))


def _encoded(data: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()


def _unsigned(scene: Scene, number: int) -> bytes:
    algorithm = ("none", "None", "NONE", "nOnE", "", None)[number % 6]
    header = _encoded({"alg": algorithm, "typ": "JWT"})
    return _use(scene, number, f"{header}.{_encoded(scene.claims(jti=number))}.")


def _named_key(scene: Scene, number: int) -> bytes:
    """The header names the key to verify with: a file, an address, one that it brings along."""
    named = (
        {"kid": "../../../../dev/null"},
        {"jku": "http://127.0.0.1:9/keys"},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"x5u": "http://127.0.0.1:9/cert"},
    )[number % 4]
    return _use(scene, number, signed(scene.claims(jti=number), _OTHER_SECRET, **named))


def _swapped(scene: Scene, number: int) -> bytes:
    """The victim's claims under the attacker's own signature, and the other way round."""
    own, other = scene.idler.token.split("."), scene.victim.token.split(".")
    parts = ([own[0], other[1], own[2]], [own[0], own[1], other[2]], [other[0], other[1], own[2]])
    return _use(scene, number, ".".join(parts[number % 3]))


def _cut(scene: Scene, number: int) -> bytes:
    token = scene.victim.token
    return _use(scene, number, token[: number % (len(token) - 1)])


def _flipped(scene: Scene, number: int) -> bytes:
    """One character is another."""
    token = scene.victim.token
    # Of the last character some bits mean nothing.
    place = number % (len(token) - 1)
    other = "A" if token[place] != "A" else "B"
    return _use(scene, number, token[:place] + other + token[place + 1 :])


def _no_text(scene: Scene, number: int) -> bytes:
    return _use(scene, number, b"\xff\xfe" + secrets.token_hex(4).encode())


def _of_livekit(scene: Scene, number: int) -> bytes:
    """The token of the victim's room, and one that signs a webhook."""
    return _use(scene, number, (scene.match["token"], scene.captured[1])[number % 2])


def _of_livekit_s_key(scene: Scene, number: int) -> bytes:
    """Right in all, save that LiveKit's secret has signed it."""
    return _use(scene, number, signed(scene.claims(jti=number), KEY.secret))


def _none(scene: Scene, number: int) -> bytes:
    if number % 2:
        return scene.send(f"GET /api/matching/{QUESTIONS[number % len(QUESTIONS)]}")
    return scene.send(f"POST /api/matching/{ACTIONS[number % len(ACTIONS)]}", body=b"{}")


def _other_scheme(scene: Scene, number: int) -> bytes:
    scheme = ("Basic", "Digest", "Token", "bearer:", "Bearer,")[number % 5]
    return scene.send("GET /api/matching/status", f"Authorization: {scheme} {scene.victim.token}")


def _user_as_admin(scene: Scene, number: int) -> bytes:
    return scene.send(f"GET /api/admin/{ADMIN[number % len(ADMIN)]}", bearer(scene.idler.token))


def _cookie_as_admin(scene: Scene, number: int) -> bytes:
    return scene.send(f"GET /api/admin/{ADMIN[number % len(ADMIN)]}", cookie(scene.idler.token))


def _guessed_admin(scene: Scene, number: int) -> bytes:
    user = f"users/{scene.victim.user_id}"
    paths = (f"{user}/cleanup", f"{user}/transition", f"{user}/ban", f"{user}/unban", "cleanup", "repair")
    return scene.send(
        f"POST /api/admin/{paths[number % len(paths)]}", bearer(secrets.token_hex(16)), body=b"{}"
    )


KINDS = [
    Kind(name="no credentials", right=UNAUTHENTICATED, make=_none),
    Kind(name="a forged token", right=UNAUTHENTICATED, make=_other_secret),
    Kind(name="a token of LiveKit's key", right=UNAUTHENTICATED, make=_of_livekit_s_key),
    Kind(name="another algorithm", right=UNAUTHENTICATED, make=_other_algorithm),
    Kind(name="alg: none", right=UNAUTHENTICATED, make=_unsigned),
    Kind(name="a key named by the token", right=UNAUTHENTICATED, make=_named_key),
    Kind(
        name="an expired token",
        right=UNAUTHENTICATED,
        make=lambda scene, number: _claim(scene, number, exp=int(time.time()) - 10 - number),
    ),
    Kind(
        name="a token without end",
        right=UNAUTHENTICATED,
        make=lambda scene, number: _claim(scene, number, exp=(None, "never", [1], 1e400)[number % 4]),
    ),
    Kind(
        name="a token of another issuer",
        right=UNAUTHENTICATED,
        make=lambda scene, number: _claim(
            scene, number, iss=("livekit", "", None, "DormParty-SSE")[number % 4]
        ),
    ),
    Kind(
        name="a token without a user",
        right=UNAUTHENTICATED,
        make=lambda scene, number: _claim(scene, number, sub=(None, 1, ["x"], {})[number % 4]),
    ),
    Kind(name="swapped tokens", right=UNAUTHENTICATED, make=_swapped),
    Kind(name="a cut token", right=UNAUTHENTICATED, make=_cut),
    Kind(name="a token with another character", right=UNAUTHENTICATED, make=_flipped),
    Kind(name="a token that is no text", right=UNAUTHENTICATED, make=_no_text),
    Kind(name="a token for LiveKit", right=UNAUTHENTICATED, make=_of_livekit),
    Kind(name="another scheme", right=UNAUTHENTICATED, make=_other_scheme),
    Kind(name="a user as admin", right=FORBIDDEN, make=_user_as_admin),
    Kind(name="a user's cookie as admin", right=UNAUTHENTICATED, make=_cookie_as_admin),
    Kind(name="a guessed admin token", right=FORBIDDEN, make=_guessed_admin),
]
