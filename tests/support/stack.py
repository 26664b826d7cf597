"""The real thing, as the tests use it: Redis, LiveKit and the service, each a process of its own."""

import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from redis.asyncio import Redis

from dormparty_sse.dev.livekit_server import LiveKitKey, LiveKitPorts, livekit_server
from dormparty_sse.dev.network import answers_200, free_port
from dormparty_sse.dev.redis_server import redis_server
from dormparty_sse.dev.server import Server
from dormparty_sse.limits_table import RateLimitTable
from dormparty_sse.settings import Settings
from dormparty_sse.store.keys import pool_key, pool_tag
from tests.support.described import assert_described
from tests.support.logs import assert_no_secret, assert_nothing_crashed
from tests.support.proxy import Proxy
from tests.support.waiting import eventually

SECRET = "a-secret-of-the-tests-and-of-nothing-else"
KEY = LiveKitKey(key="testkey", secret="another-secret-of-the-tests-and-nothing-else")
ROOT = Path(__file__).parents[2]

#: Short enough that a test need not wait, long enough that a slow machine is no failure.
QUICK = {
    "PAIR_COOLDOWN_S": "3",
    "CONNECT_TIMEOUT_S": "6",
    "SWEEP_INTERVAL_S": "0.5",
    "LIVEKIT_PROBE_INTERVAL_S": "0.5",
    "QUEUE_UPDATE_INTERVAL_S": "0.5",
    "STREAM_DRAIN_S": "0.5",
    "SKIPS": "1000",  # tests skip a lot
    # All tests come from one address.
    "RATE_LIMITS": json.dumps(dict.fromkeys(RateLimitTable.model_fields, "1000000/second")),
    "STREAMS_PER_ADDRESS": "1000000",
    "CONNECTIONS_PER_ADDRESS": "1000000",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A running Redis, LiveKit and service."""

    url: str  #: Of the service.
    redis_server: Server
    livekit_server: Server
    service: Server
    redis: Redis
    settings: Settings  #: Those of the service.
    http: aiohttp.ClientSession

    @property
    def service_log(self) -> str:
        """Everything the service has logged."""
        assert self.service.log
        return self.service.log.read_text()

    async def audit(self, pool: str) -> dict[str, Any]:
        """The audit's report."""
        headers = {"Authorization": f"Bearer {SECRET}"}
        url = f"{self.url}/api/admin/audit"
        async with self.http.get(url, params={"pool": pool}, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            report: dict[str, Any] = await answer.json()
            assert_described("GET", "/api/admin/audit", answer.status, report)
            return report

    async def assert_sound(self, pool: str) -> None:
        """Every invariant holds, at once or as soon as what is under way is done."""

        async def sound() -> bool:
            report = await self.audit(pool)
            found.update(report["invariants"])
            return bool(report["ok"] and report["roomsChecked"])

        found: dict[str, Any] = {}
        try:
            await eventually(sound, 10, "audit")
        except AssertionError as error:
            raise AssertionError(f"the audit finds {found}") from error

    async def user(self, pool: str, user_id: str) -> dict[str, str]:
        """A user's metadata."""
        data = await self.redis.hgetall(pool_key(pool, "user", user_id))
        return {str(name): str(value) for name, value in data.items()}

    async def events(self, pool: str, user_id: str) -> list[tuple[str, str]]:
        """All events in a user's log: (id, type)."""
        entries = await self.redis.xrange(pool_key(pool, "log", user_id)) or []
        return [(str(entry_id), json.loads((entry or {})["data"])["type"]) for entry_id, entry in entries]

    async def event_ids(self, pool: str, user_id: str) -> list[str]:
        """The ids of all events in a user's log."""
        return [event_id for event_id, _ in await self.events(pool, user_id)]

    async def contents(self, pool: str) -> dict[str, bytes]:
        """All that Redis holds of a pool, save signs of life and answers kept for repetition."""
        tag = pool_tag(pool)
        keys = sorted([str(key) async for key in self.redis.scan_iter(f"{tag}*", count=1_000)])
        passing = (pool_key(pool, "presence"), pool_key(pool, "operation", ""))
        dumps = {key: await self.redis.dump(key) for key in keys if not key.startswith(passing)}
        return {key: dump for key, dump in dumps.items() if dump is not None}

    @asynccontextmanager
    async def another_service(
        self, directory: Path, ahead_s: float = 0, /, **env: str
    ) -> AsyncIterator[Server]:
        """A further service on this Redis and LiveKit; `env` are settings of its own.

        `ahead_s`: how far its clock is ahead of this machine's.
        """
        settings = self.settings.model_copy(update={"port": free_port()})
        async with service_server(settings, directory, ahead_s, **env) as server:
            yield server

    async def now(self) -> float:
        """The time by Redis's clock, in ms."""
        seconds, microseconds = await self.redis.time()
        return float(seconds * 1000 + microseconds / 1000)

    async def queue(self, pool: str) -> list[str]:
        """The users free to be matched, first come first."""
        return [str(user) for user in await self.redis.zrange(pool_key(pool, "queue"), 0, -1)]


def service_settings(redis: Server, livekit: Server, port: int) -> Settings:
    """The settings of a service on this Redis and LiveKit."""
    return Settings(
        redis_url=redis.url,
        livekit_url=livekit.url,
        livekit_api_key=KEY.key,
        livekit_api_secret=KEY.secret,
        session_secret=SECRET,
        admin_token=SECRET,
        port=port,
    )


def service_server(settings: Settings, directory: Path, ahead_s: float = 0, /, **env: str) -> Server:
    """A service process; `env` are further settings, such as PAIR_COOLDOWN_S="1"."""
    program = ["tests.support.wrong_clock", str(ahead_s)] if ahead_s else ["dormparty_sse"]
    directory.mkdir(parents=True, exist_ok=True)

    async def ready() -> bool:
        return await answers_200(settings.port, "/healthz")

    return Server(
        name="the service",
        url=f"http://127.0.0.1:{settings.port}",
        command=[sys.executable, "-m", *program, "serve"],
        ready=ready,
        log=directory / "service.log",
        cwd=ROOT,
        env={
            "REDIS_URL": settings.redis_url,
            "LIVEKIT_URL": settings.livekit_url,
            "LIVEKIT_PUBLIC_URL": settings.livekit_url,  # people reach it, whatever the service does
            "LIVEKIT_API_KEY": settings.livekit_api_key,
            "LIVEKIT_API_SECRET": settings.livekit_api_secret,
            "SESSION_SECRET": settings.session_secret,
            "ADMIN_TOKEN": settings.admin_token,
            "PORT": str(settings.port),
            **QUICK,
            **env,
        },
        ready_within_s=60,  # as the last of a busy machine's many processes
    )


def livekit_ports() -> LiveKitPorts:
    """Free ports for a LiveKit."""
    return LiveKitPorts(api=free_port(), media=free_port(socket.SOCK_DGRAM))


@asynccontextmanager
async def running_stack(
    directory: Path, way: Proxy | None = None, relay_port: int = 0, /, **env: str
) -> AsyncIterator[Stack]:
    """A whole stack of its own, for as long as the context lasts; `env` are further settings.

    `way`: a proxy by which the service reaches Redis. `relay_port`: where LiveKit sends its webhooks.
    """
    port, redis_port = free_port(), free_port()
    redis = redis_server(directory / "redis", redis_port)
    if way:
        await way.open(redis_port)
        env = {"REDIS_URL": way.redis_url} | env
    webhooks = [f"http://127.0.0.1:{relay_port or port}/api/livekit/webhooks"]
    livekit = livekit_server(directory / "livekit", livekit_ports(), KEY, webhooks)
    settings = service_settings(redis, livekit, port)
    service = service_server(settings, directory / "service", **env)
    async with redis, livekit, service, aiohttp.ClientSession() as http:
        client = Redis.from_url(redis.url, decode_responses=True)
        try:
            yield Stack(
                url=service.url,
                redis_server=redis,
                livekit_server=livekit,
                service=service,
                redis=client,
                settings=settings,
                http=http,
            )
        finally:
            await client.aclose()


@asynccontextmanager
async def clean_stack(directory: Path, **env: str) -> AsyncIterator[Stack]:
    """As `running_stack`; in the end its service must not have crashed anywhere, nor logged a secret."""
    async with running_stack(directory, **env) as running:
        yield running
    assert_nothing_crashed(running.service_log)
    assert_no_secret(running.service_log, SECRET, KEY.secret)
