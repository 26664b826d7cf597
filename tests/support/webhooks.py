"""Webhooks as LiveKit sends them: the same JSON, signed in the same way."""

import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

import jwt

from dormparty_sse.dev.livekit_server import LiveKitKey
from dormparty_sse.store.keys import pool_key
from tests.support.calls import Match
from tests.support.person import Person
from tests.support.stack import KEY, Stack

Webhook = dict[str, Any]


def signature(body: bytes, key: LiveKitKey = KEY, expires_in_s: float = 300) -> str:
    """The Authorization that LiveKit sends with a body: a bare JWT with the body's hash."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    now = int(time.time())
    claims = {"iss": key.key, "nbf": now - 600, "exp": now + expires_in_s, "sha256": digest}
    return jwt.encode(claims, key.secret, algorithm="HS256")


async def post_raw(stack: Stack, body: bytes, authorization: str | None) -> tuple[int, dict[str, Any]]:
    """(status, answer) of a webhook with any body and any Authorization."""
    headers = {"Content-Type": "application/webhook+json"}
    if authorization is not None:
        headers["Authorization"] = authorization
    url = f"{stack.url}/api/livekit/webhooks"
    async with stack.http.post(url, data=body, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def post(stack: Stack, webhook: Webhook) -> tuple[int, dict[str, Any]]:
    """(status, answer) of a webhook, signed."""
    body = json.dumps(webhook).encode()
    return await post_raw(stack, body, signature(body))


async def deliver(stack: Stack, *webhooks: Webhook) -> None:
    """Sends webhooks one after the other; each must be accepted."""
    for webhook in webhooks:
        status, answer = await post(stack, webhook)
        assert status == 200, answer


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveKitRoom:
    """Says of one room what LiveKit would say. Each call makes a new event."""

    name: str
    sid: str

    def event(self, name: str, **members: Any) -> Webhook:
        """Any event about this room."""
        return {
            "event": name,
            "room": {"name": self.name, "sid": self.sid},
            "id": f"EV_{secrets.token_hex(8)}",
            "createdAt": str(int(time.time())),
            **members,
        }

    def joined(self, user_id: str, sid: str = "", at: int | None = None) -> Webhook:
        """`participant_joined`; `at` in ms, now by default."""
        return self.event("participant_joined", participant=_participant(user_id, sid, at))

    def left(
        self, user_id: str, sid: str = "", at: int | None = None, reason: str = "CLIENT_INITIATED"
    ) -> Webhook:
        """`participant_left`, with LiveKit's reason."""
        participant = _participant(user_id, sid, at) | {"disconnectReason": reason}
        return self.event("participant_left", participant=participant)

    def finished(self) -> Webhook:
        """`room_finished`."""
        return self.event("room_finished")


async def livekit_room(stack: Stack, someone: Person, match: Match) -> LiveKitRoom:
    """The room of a match, to say things of."""
    sid = await stack.redis.hget(pool_key(someone.pool, "match", match["sessionId"]), "roomSid")
    assert sid
    return LiveKitRoom(name=match["roomName"], sid=str(sid))


def _participant(user_id: str, sid: str, at: int | None) -> dict[str, str]:
    joined_at = int(time.time() * 1000) if at is None else at
    return {
        "sid": sid or f"PA_{user_id}",
        "identity": user_id,
        "state": "ACTIVE",
        "joinedAt": str(joined_at // 1000),
        "joinedAtMs": str(joined_at),
    }
