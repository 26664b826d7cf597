"""The service's API, as the crowd's browsers and its LiveKit call it."""

import base64
import hashlib
import itertools
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import orjson
from livekit import api

from bench.errors import BenchError
from bench.stack import KEY, SECRET

_FRAME_END = b"\n\n"
_WEBHOOK_TTL = timedelta(minutes=5)


class Client:
    """One connection pool. Every answer but 2xx raises BenchError."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url
        self._event_numbers = itertools.count(1)
        self._streams: dict[str, aiohttp.ClientResponse] = {}  # by token

    async def new_session(self) -> dict[str, Any]:
        """POST /api/session."""
        return await self._request("POST", "/api/session")

    async def post(self, token: str, action: str, **body: Any) -> dict[str, Any]:
        """The answer to a user's action."""
        return await self._request("POST", f"/api/matching/{action}", _bearer(token), orjson.dumps(body))

    async def status(self, token: str) -> dict[str, Any]:
        """GET status."""
        return await self._request("GET", "/api/matching/status", _bearer(token))

    async def audit(self) -> dict[str, Any]:
        """GET /api/admin/audit."""
        return await self._request("GET", "/api/admin/audit", _bearer(SECRET))

    async def events(self, token: str) -> AsyncIterator[tuple[float, dict[str, Any]]]:
        """A user's stream: (when it was received by `perf_counter`, event)."""
        timeout = aiohttp.ClientTimeout(total=None)
        url = self._url + "/api/matching/events"
        async with self._http.get(url, headers=_bearer(token), timeout=timeout) as answer:
            await _check(answer)
            self._streams[token] = answer
            rest = b""
            async for chunk in answer.content.iter_any():
                at = time.perf_counter()
                *frames, rest = (rest + chunk).split(_FRAME_END)
                for frame in frames:
                    for line in frame.split(b"\n"):
                        if line.startswith(b"data: "):
                            yield at, orjson.loads(line[6:])
        raise BenchError("the service closed a stream")

    def stream_of(self, token: str) -> aiohttp.ClientResponse:
        """The answer that a user's newest stream is."""
        return self._streams[token]

    async def webhook(self, name: str, room_name: str, user_id: str) -> None:
        """What LiveKit sends about a participant, signed as LiveKit signs it."""
        now = time.time()
        reason = "CLIENT_INITIATED" if name == "participant_left" else "UNKNOWN_REASON"
        body = orjson.dumps(
            {
                "event": name,
                "id": f"EV_bench{next(self._event_numbers)}",
                "createdAt": str(int(now)),
                "room": {"name": room_name, "sid": "RM_bench"},
                "participant": {
                    "sid": f"PA_{user_id}",
                    "identity": user_id,
                    "state": "ACTIVE",
                    "joinedAt": str(int(now)),
                    "joinedAtMs": str(int(now * 1000)),
                    "disconnectReason": reason,
                },
            }
        )
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        token = api.AccessToken(KEY.key, KEY.secret).with_ttl(_WEBHOOK_TTL).with_sha256(digest)
        headers = {"Authorization": token.to_jwt(), "Content-Type": "application/webhook+json"}
        await self._request("POST", "/api/livekit/webhooks", headers, body)

    async def _request(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> dict[str, Any]:
        async with self._http.request(method, self._url + path, headers=headers, data=body) as answer:
            await _check(answer)
            data: dict[str, Any] = orjson.loads(await answer.read())
            return data


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def _check(answer: aiohttp.ClientResponse) -> None:
    if not answer.ok:
        raise BenchError(f"{answer.method} {answer.url.path} gets {answer.status}: {await answer.text()}")
