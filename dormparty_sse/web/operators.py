"""What operators ask: is it alive, is it ready, does the state keep its invariants?"""

import asyncio
import hmac
import time
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any

from aiohttp import web

from dormparty_sse.domain.errors import Forbidden, Unauthenticated, Unavailable
from dormparty_sse.domain.names import DEFAULT_POOL
from dormparty_sse.web.bodies import PoolBody, read_body
from dormparty_sse.web.handlers import json_answer
from dormparty_sse.web.parts import parts_of
from dormparty_sse.web.sessions import bearer_token


async def healthz(_request: web.Request) -> web.Response:
    """GET /healthz: this process is alive."""
    return json_answer({"status": "alive"})


async def readyz(request: web.Request) -> web.Response:
    """GET /readyz: 200 if Redis and LiveKit answer, else 503; with each one's state and latency."""
    parts = parts_of(request)
    redis, livekit = await asyncio.gather(_probe(parts.store.ping()), _probe(parts.rooms_health.probe()))
    ready = redis["state"] == livekit["state"] == "up"
    return json_answer(
        {
            "ready": ready,
            "redis": redis,
            "livekit": livekit,
            "holdReason": "rooms-unavailable" if livekit["state"] == "down" else None,
        },
        HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE,
    )


async def audit(request: web.Request) -> web.Response:
    """GET /api/admin/audit: the invariants, each with its violations. `?pool=` chooses the pool."""
    require_admin(request)
    query = await read_body(request, PoolBody)
    return json_answer(await parts_of(request).auditor.audit(query.pool or DEFAULT_POOL))


def require_admin(request: web.Request) -> None:
    """Raises Unauthenticated without the admin token, Forbidden with another one."""
    token = bearer_token(request)
    if not token:
        raise Unauthenticated("This needs the admin token.")
    given = token.encode(errors="surrogateescape")  # bytes that are no text come as surrogates
    if not hmac.compare_digest(given, parts_of(request).settings.admin_token.encode()):
        raise Forbidden


async def _probe(call: Awaitable[Any]) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        await call
    except Unavailable as error:
        return {"state": "down", "detail": error.detail}
    return {"state": "up", "latencyMs": round((time.perf_counter() - started) * 1000, 1)}
