"""Join tokens: one room, one identity, short-lived, and nothing but talking and listening."""

from dataclasses import dataclass
from datetime import timedelta

from livekit import api


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenMint:
    """Mints join tokens. LiveKit cannot revoke one: so each is short-lived, for a room that exists once."""

    api_key: str
    api_secret: str
    ttl_s: float

    def join_token(self, room_name: str, user_id: str) -> str:
        """A token for this user and this room alone."""
        grants = api.VideoGrants(
            room_join=True,
            room=room_name,
            can_publish=True,
            can_subscribe=True,
            can_publish_data=True,
            can_update_own_metadata=False,
        )
        token = api.AccessToken(self.api_key, self.api_secret).with_identity(user_id).with_grants(grants)
        return token.with_ttl(timedelta(seconds=self.ttl_s)).to_jwt()
