"""What is measured: a real Redis, a real LiveKit and one service process, with the service's own defaults.

But for two: LiveKit is not asked who is in its rooms, as mostly nobody is (the load generator only says so),
and the limits are out of reach, though all is counted.
"""

import json
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis

from dormparty_sse.dev.livekit_server import LiveKitKey, LiveKitPorts, livekit_server
from dormparty_sse.dev.network import answers_200, free_port
from dormparty_sse.dev.places import ROOT
from dormparty_sse.dev.redis_server import redis_server
from dormparty_sse.dev.server import Server
from dormparty_sse.limits_table import RateLimitTable
from dormparty_sse.store.keys import RECONCILIATION_REPORT

SECRET = "a-secret-of-the-bench-and-of-nothing-else"  # noqa: S105  # guards nothing
KEY = LiveKitKey(key="benchkey", secret="another-secret-of-the-bench-and-nothing-else")  # noqa: S106

_NOT_AGAIN_S = "86400"
#: The load comes from one address.
_NO_LIMITS = {
    "RATE_LIMITS": json.dumps(dict.fromkeys(RateLimitTable.model_fields, "1000000/second")),
    "STREAMS_PER_ADDRESS": "1000000",
    "CONNECTIONS_PER_ADDRESS": "1000000",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The running servers."""

    redis: Server
    livekit: Server
    service: Server
    service_log: Path


@asynccontextmanager
async def running_stack(directory: Path) -> AsyncIterator[Stack]:
    """Starts all three, and stops them. Raises DevError."""
    port = free_port()
    redis = redis_server(directory / "redis", free_port())
    ports = LiveKitPorts(api=free_port(), media=free_port(socket.SOCK_DGRAM))
    webhooks = [f"http://127.0.0.1:{port}/api/livekit/webhooks"]
    livekit = livekit_server(directory / "livekit", ports, KEY, webhooks)
    log = directory / "service.log"

    async def ready() -> bool:
        return await answers_200(port, "/readyz") and await _has_reconciled(redis.url)

    service = service_server(port, redis.url, livekit.url, log, ready)
    async with redis, livekit, service:
        yield Stack(redis=redis, livekit=livekit, service=service, service_log=log)


def service_server(
    port: int, redis_url: str, livekit_url: str, log: Path, ready: Callable[[], Awaitable[bool]], **env: str
) -> Server:
    """The service; `env` are further settings."""
    return Server(
        name="the service",
        url=f"http://127.0.0.1:{port}",
        command=[sys.executable, "-m", "dormparty_sse", "serve"],
        ready=ready,
        log=log,
        cwd=ROOT,
        env={
            "REDIS_URL": redis_url,
            "LIVEKIT_URL": livekit_url,
            "LIVEKIT_API_KEY": KEY.key,
            "LIVEKIT_API_SECRET": KEY.secret,
            "SESSION_SECRET": SECRET,
            "ADMIN_TOKEN": SECRET,
            "PORT": str(port),
            "WEB_CONCURRENCY": "1",
            "RECONCILE_INTERVAL_S": _NOT_AGAIN_S,
            "SKIPS": "1000",  # fewer would end the load
            **_NO_LIMITS,
            **env,
        },
        stop_within_s=10.5,  # as long as the service may take to close its streams
    )


async def _has_reconciled(redis_url: str) -> bool:
    """Has the service looked at LiveKit's rooms, as it does when it starts?"""
    async with Redis.from_url(redis_url) as redis:
        return bool(await redis.exists(RECONCILIATION_REPORT))
