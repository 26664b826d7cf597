"""Who is asking: signed session tokens, in a cookie or an Authorization header."""

import sys
from dataclasses import dataclass
from functools import lru_cache

import jwt
from aiohttp import web

from dormparty_sse.domain.clock import Clock, in_force
from dormparty_sse.domain.errors import Unauthenticated
from dormparty_sse.domain.models import UserRef

COOKIE = "dormparty_session"
_ALGORITHM = "HS256"
_ISSUER = "dormparty-sse"
_REMEMBERED = 16_384  # tokens that were found valid
_INVALID = "The session is not valid, or no longer."


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A user, for as long as its token is valid."""

    user: UserRef
    token: str
    expires_at: int  #: ms since the epoch.


class SessionTokens:
    """Signs and reads session tokens."""

    def __init__(self, secret: str, clock: Clock, *, ttl_s: float) -> None:
        self._secret = secret
        self._clock = clock
        self._ttl_s = ttl_s
        self._verified = lru_cache(_REMEMBERED)(self._verify)  # the same user asks again and again

    def sign(self, user: UserRef) -> Session:
        """A new token for this user."""
        now = int(self._clock.now_s())
        expires = now + int(self._ttl_s)
        claims = {"iss": _ISSUER, "sub": user.user_id, "pool": user.pool, "iat": now, "exp": expires}
        token = jwt.encode(claims, self._secret, algorithm=_ALGORITHM)
        return Session(user=user, token=token, expires_at=expires * 1000)

    def read(self, token: str) -> Session:
        """The session of a token. Raises Unauthenticated if it is forged, expired or not a session token."""
        session = self._verified(token)
        # Not `iat`: the clock of the process that signed may be a moment ahead of this one's.
        if not in_force({"exp": session.expires_at // 1000}, self._clock.now_s()):
            raise Unauthenticated(_INVALID)
        return session

    def _verify(self, token: str) -> Session:
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[_ALGORITHM],
                issuer=_ISSUER,
                options={
                    "require": ["sub", "pool", "exp", "iss"],
                    # by PyJWT these would go by the machine's clock
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.PyJWTError, UnicodeError) as error:  # bytes that are no text come as surrogates
            raise Unauthenticated(_INVALID) from error
        user = UserRef(user_id=claims["sub"], pool=sys.intern(claims["pool"]))
        return Session(user=user, token=token, expires_at=claims["exp"] * 1000)

    def remaining_s(self, session: Session) -> int:
        """For how long the session is still valid."""
        return max(0, session.expires_at // 1000 - int(self._clock.now_s()))


def bearer_token(request: web.Request) -> str | None:
    """The token a request brings by header."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def session_token(request: web.Request) -> str | None:
    """The token a request brings: by header, else by cookie."""
    return bearer_token(request) or request.cookies.get(COOKIE)


def uses_cookie(request: web.Request) -> bool:
    """Would a browser have sent these credentials by itself? It adds `Authorization: Basic` by itself too."""
    return bearer_token(request) is None
