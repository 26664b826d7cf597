"""Who is attacked and by whom, and how a request is put together byte by byte."""

import json
import time
from dataclasses import dataclass
from typing import Any

import jwt

from tests.support.calls import Match
from tests.support.person import Person
from tests.support.stack import SECRET
from tests.support.webhooks import LiveKitRoom, Webhook

#: POST actions that take a session.
ACTIONS = (
    "enqueue",
    "skip",
    "end",
    "leave",
    "heartbeat",
    "room-close-ack",
    "check-match",
    "check-disconnect",
    "block",
    "report",
)
#: GET questions that take a session.
QUESTIONS = ("status", "check-match", "check-disconnect")
#: Everything of operators that only looks.
ADMIN = ("overview", "statistics", "users", "queue", "rooms", "audit", "reports", "trail")

Header = str | bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Two calls, one of the attacker's, and somebody who waits; all in one pool."""

    host: str  #: Of the service, with its port.
    pool: str
    attacker: Person  #: In a call.
    idler: Person  #: An attacker too, at home.
    victim: Person  #: In another call.
    waiting: Person  #: In the queue.
    match: Match  #: The victim's.
    room: LiveKitRoom  #: The victim's.
    captured: tuple[bytes, str]  #: A webhook that has been delivered: (body, Authorization).

    def send(self, request_line: str | bytes, *headers: Header, body: bytes = b"") -> bytes:
        """A request of HTTP/1.1 with these headers and a Host. With a body, Content-Length is added."""
        head = [as_bytes(request_line) + b" HTTP/1.1", b"Host: " + self.host.encode()]
        length = [f"Content-Length: {len(body)}".encode()] if body else []
        return b"\r\n".join([*head, *map(as_bytes, headers), *length, b"", body])

    def ask(self, path: str | bytes, *headers: Header) -> bytes:
        """A GET, with the idle attacker's credentials."""
        return self.send(b"GET " + as_bytes(path), bearer(self.idler.token), *headers)

    def act(self, action: str, body: bytes | dict[str, Any] = b"", *headers: Header) -> bytes:
        """A POST of an action, with the idle attacker's credentials."""
        return self.act_as(self.idler, action, body, *headers)

    def act_as(
        self, someone: Person, action: str, body: bytes | dict[str, Any] = b"", *headers: Header
    ) -> bytes:
        """A POST of an action, with somebody's credentials."""
        line = f"POST /api/matching/{action}"
        return self.send(line, bearer(someone.token), *headers, body=as_body(body))

    def operate(self, request_line: str, body: bytes | dict[str, Any] = b"") -> bytes:
        """A request with the admin token."""
        return self.send(request_line, bearer(SECRET), body=as_body(body))

    def webhook(self, body: bytes, authorization: str) -> bytes:
        """A webhook with any Authorization."""
        return self.send("POST /api/livekit/webhooks", f"Authorization: {authorization}", body=body)

    def encode(self, webhook: Webhook) -> bytes:
        """A webhook's body."""
        return json.dumps(webhook).encode()

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Those of a session of the victim's, with some of it changed; None leaves one out."""
        now = int(time.time())
        claims = {
            "iss": "dormparty-sse",
            "sub": self.victim.user_id,
            "pool": self.pool,
            "iat": now,
            "exp": now + 3600,
            **changed,
        }
        return {name: value for name, value in claims.items() if value is not None}


def as_bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def as_body(body: bytes | dict[str, Any]) -> bytes:
    return json.dumps(body).encode() if isinstance(body, dict) else body


def bearer(token: str) -> str:
    return f"Authorization: Bearer {token}"


def cookie(token: str) -> str:
    return f"Cookie: dormparty_session={token}"


def signed(claims: dict[str, Any], secret: str = SECRET, algorithm: str = "HS256", **headers: Any) -> str:
    """A JWT of these claims."""
    return jwt.encode(claims, secret, algorithm=algorithm, headers=headers or None)
