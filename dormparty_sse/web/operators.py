"""What load balancers ask: is it alive, is it ready? And what Prometheus asks."""

import asyncio
import time
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from dormparty_sse.domain.errors import StateAway, StateFault, Unavailable
from dormparty_sse.services.census import Census, take_census
from dormparty_sse.web.handlers import json_answer
from dormparty_sse.web.parts import Parts, parts_of

log = structlog.get_logger()


async def healthz(_request: web.Request) -> web.Response:
    """GET /healthz: this process is alive."""
    return json_answer({"status": "alive"})


async def readyz(request: web.Request) -> web.Response:
    """GET /readyz: 200 if Redis and LiveKit answer, else 503; with each one's state and latency."""
    parts = parts_of(request)
    redis, livekit = await asyncio.gather(_redis(parts), _probe(parts.rooms_health.probe()))
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


async def metrics(request: web.Request) -> web.Response:
    """GET /metrics, for Prometheus; while Redis is away, without the counts of users and rooms."""
    parts = parts_of(request)
    return web.Response(
        body=parts.metrics.exposition(await _census(parts)),
        headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"},
    )


async def _census(parts: Parts) -> Census | None:
    try:
        return await take_census(parts.store, parts.statistics)
    except (StateAway, StateFault) as error:
        log.warning("metrics_without_census", detail=error.detail, cause=repr(error.__cause__))
        return None


async def _redis(parts: Parts) -> dict[str, Any]:
    probed = await _probe(parts.store.ping())
    health = parts.connection.health
    return {
        **probed,
        "connection": health.state,
        "latencyMs": None if health.latency_ms is None else round(health.latency_ms, 1),
        "since": health.since,
        "lastError": health.last_error,
        "reconnects": health.reconnects,
    }


async def _probe(call: Awaitable[Any]) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        await call
    except Unavailable as error:
        return {"state": "down", "detail": error.detail}
    return {"state": "up", "latencyMs": round((time.perf_counter() - started) * 1000, 1)}
