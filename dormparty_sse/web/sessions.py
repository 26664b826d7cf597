"""Who is asking: signed session tokens, in a cookie or an Authorization header."""

import math
import sys
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import jwt
from aiohttp import web

from dormparty_sse.domain.clock import Clock, in_force
from dormparty_sse.domain.errors import Unauthenticated
from dormparty_sse.domain.models import Session, UserRef
from dormparty_sse.domain.names import new_id

SESSION_COOKIE = "dormparty_session"
_ALGORITHM = "HS256"
_ISSUER = "dormparty-sse"
_REMEMBERED = 16_384  # tokens that were found valid
_INVALID = "The session is not valid, or no longer."


class SessionTokens:
    """Signs and reads session tokens."""

    def __init__(self, secrets: Sequence[str], clock: Clock, *, ttl_s: float) -> None:
        """The first of the secrets signs; what any of them has signed is taken."""
        self._secrets = tuple(secrets)
        self._clock = clock
        self._ttl_s = ttl_s
        self._verified = lru_cache(_REMEMBERED)(self._verify)  # the same user asks again and again

    def sign(self, user: UserRef, device: str) -> Session:
        """A new token for this user."""
        now_s = self._clock.now_s()
        expires_s = int(now_s) + int(self._ttl_s)
        claims = {
            "iss": _ISSUER,
            "sub": user.user_id,
            "pool": user.pool,
            "dev": device,
            "iat": int(now_s),
            "exp": expires_s,
        }
        token = jwt.encode(claims, self._secrets[0], algorithm=_ALGORITHM)
        return _session(token, claims, is_current=True)

    def read(self, token: str) -> Session:
        """The session of a token. Raises Unauthenticated if it is forged, expired or not a session token."""
        session = self._verified(token)
        # Not `iat`: the clock of the process that signed may be a moment ahead of this one's.
        if not in_force({"exp": session.expires_at // 1000}, self._clock.now_s()):
            raise Unauthenticated(_INVALID)
        return session

    def renewed(self, session: Session) -> Session | None:
        """The session with a fresh token, where it is time for one."""
        if self._clock.now_ms() < session.renew_at:
            return None
        return self.sign(session.user, session.device or new_id())

    def remaining_s(self, session: Session) -> int:
        """For how long the session is still valid."""
        return max(0, session.expires_at // 1000 - int(self._clock.now_s()))

    def renew_after_s(self, session: Session) -> int:
        """In how long it is time for a fresh token."""
        return max(0, math.ceil(session.renew_at / 1000 - self._clock.now_s()))

    def _verify(self, token: str) -> Session:
        for secret in self._secrets:
            try:
                claims = jwt.decode(
                    token,
                    secret,
                    algorithms=[_ALGORITHM],
                    issuer=_ISSUER,
                    options={
                        "require": ["sub", "pool", "iat", "exp", "iss"],
                        # by PyJWT these would go by the machine's clock
                        "verify_exp": False,
                        "verify_nbf": False,
                        "verify_iat": False,
                    },
                )
                return _session(token, claims, is_current=secret == self._secrets[0])
            except jwt.InvalidSignatureError:
                continue
            except (jwt.PyJWTError, UnicodeError) as error:  # bytes that are no text come as surrogates
                raise Unauthenticated(_INVALID) from error
        raise Unauthenticated(_INVALID)


def _session(token: str, claims: dict[str, Any], *, is_current: bool) -> Session:
    """`is_current`: the secret that signs now has signed it."""
    device = claims.get("dev", "")
    issued_at, expires_at = int(claims["iat"]) * 1000, claims["exp"] * 1000
    return Session(
        user=UserRef(user_id=claims["sub"], pool=sys.intern(claims["pool"])),
        device=device,
        token=token,
        expires_at=expires_at,
        renew_at=(issued_at + expires_at) // 2 if is_current and device else 0,
    )


def bearer_token(request: web.Request) -> str | None:
    """The token a request brings by header."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def session_token(request: web.Request) -> str | None:
    """The token a request brings: by header, else by cookie."""
    return bearer_token(request) or request.cookies.get(SESSION_COOKIE)


def uses_cookie(request: web.Request) -> bool:
    """Would a browser have sent these credentials by itself? It adds `Authorization: Basic` by itself too."""
    return bearer_token(request) is None
