"""LiveKit's tokens, by our clock: those a client joins with, and those the service itself calls with."""

from dataclasses import dataclass
from datetime import timedelta

import jwt
from livekit import api

from dormparty_sse.domain.clock import Clock

_CALL_TTL_S = 60


class _Token(api.AccessToken):
    """As the SDK makes it, save that it asks `clock` for the time; the SDK asks the machine."""

    def __init__(self, api_key: str, api_secret: str, clock: Clock) -> None:
        super().__init__(api_key, api_secret)
        self._clock = clock

    def to_jwt(self) -> str:
        now = int(self._clock.now_s())
        claims = self.claims.asdict() | {
            "sub": self.identity,
            "iss": self.api_key,
            "nbf": now,
            "exp": now + int(self.ttl.total_seconds()),
        }
        return jwt.encode(claims, self.api_secret, algorithm="HS256")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenMint:
    """Mints tokens. LiveKit cannot revoke one: so each is short-lived, for a room that exists once."""

    api_key: str
    api_secret: str
    clock: Clock
    ttl_s: float  #: Of join tokens.

    def join_token(self, room_name: str, user_id: str) -> str:
        """One room, one identity, and nothing but talking and listening."""
        if not room_name or not user_id:
            raise ValueError("A join token without a room or an identity would open too much.")
        grants = api.VideoGrants(
            room_join=True,
            room=room_name,
            can_publish=True,
            can_subscribe=True,
            can_publish_data=True,
            can_update_own_metadata=False,
        )
        return self._token(grants, self.ttl_s).with_identity(user_id).to_jwt()

    def call_token(self, grants: api.VideoGrants) -> str:
        """For one call of the service."""
        return self._token(grants, _CALL_TTL_S).to_jwt()

    def _token(self, grants: api.VideoGrants, ttl_s: float) -> api.AccessToken:
        token = _Token(self.api_key, self.api_secret, self.clock)
        return token.with_grants(grants).with_ttl(timedelta(seconds=ttl_s))
