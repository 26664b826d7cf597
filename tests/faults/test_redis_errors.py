"""Redis answers, but not as it should: everyone is told so, nothing changes, and all goes on by itself."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from dormparty_sse.dev.network import LOOPBACK, free_port
from dormparty_sse.dev.redis_server import redis_server
from dormparty_sse.dev.server import Server
from tests.support.calls import meet, part
from tests.support.crowd import crowd
from tests.support.faults import held_still, is_ready, misses
from tests.support.problems import read_problem
from tests.support.proxy import proxy
from tests.support.replay import told_of_every_step
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually

COMMAND_TIMEOUT_S = 1
Fault = Callable[[Redis], Awaitable[Any]]


@pytest.fixture(scope="module")
async def own_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with running_stack(
        tmp_path_factory.mktemp("stack"), REDIS_COMMAND_TIMEOUT=str(COMMAND_TIMEOUT_S)
    ) as running:
        yield running


async def refused(stack: Stack, method: str, path: str, headers: dict[str, str]) -> dict[str, Any]:
    """The problem of a request that Redis is needed for; it comes in time and says when to try again."""
    started = time.monotonic()
    async with stack.http.request(method, stack.url + path, headers=headers) as answer:
        problem = await read_problem(answer, 503, "unavailable")
        assert 1 <= int(answer.headers["Retry-After"]) <= 4
    assert time.monotonic() - started < COMMAND_TIMEOUT_S + 0.5
    return problem


async def is_alive(stack: Stack) -> None:
    async with stack.http.get(f"{stack.url}/healthz") as answer:
        assert answer.status == 200


def logged(stack: Stack, event: str) -> list[dict[str, Any]]:
    """The log's lines of this event."""
    lines = [json.loads(line) for line in stack.service_log.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


@asynccontextmanager
async def broken(stack: Stack, breaks: Fault, mends: Fault) -> AsyncIterator[None]:
    async with Redis.from_url(stack.redis_server.url) as redis:
        await breaks(redis)
        try:
            yield
        finally:
            await mends(redis)


FAULTS: dict[str, tuple[Fault, Fault, str]] = {
    "full memory": (
        lambda redis: redis.config_set("maxmemory", 1),
        lambda redis: redis.config_set("maxmemory", 0),
        "Redis has no memory left (maxmemory) and takes no changes.",
    ),
    "replica": (
        lambda redis: redis.replicaof(LOOPBACK, free_port()),
        lambda redis: redis.replicaof("NO", "ONE"),
        "Redis is a read-only replica.",
    ),
    "too few replicas": (
        lambda redis: redis.config_set("min-replicas-to-write", 1),
        lambda redis: redis.config_set("min-replicas-to-write", 0),
        "Redis has too few replicas and takes no changes.",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_keeps_redis_from_changes_is_told_and_passes(own_stack: Stack, fault: str) -> None:
    breaks, mends, detail = FAULTS[fault]
    async with crowd(own_stack, 1) as (someone,):
        await someone.listen()
        await someone.post("enqueue")
        await someone.event("queued")
        before = await own_stack.user(someone.pool, someone.user_id)
        log_before = await own_stack.event_ids(someone.pool, someone.user_id)
        async with broken(own_stack, breaks, mends):
            problem = await refused(own_stack, "POST", "/api/matching/end", someone.headers)
            assert problem["detail"] == detail
            await refused(own_stack, "GET", "/api/matching/events", someone.headers)
            report = await misses(own_stack, "redis")
            assert report["redis"]["connection"] in {"reconnecting", "down"}
            assert report["redis"]["lastError"] == detail
            await is_alive(own_stack)
            assert await own_stack.user(someone.pool, someone.user_id) == before
            assert await own_stack.event_ids(someone.pool, someone.user_id) == log_before
            assert someone.listening
        started = time.monotonic()
        await is_ready(own_stack)
        assert time.monotonic() - started < 2
        assert (await someone.post("end"))["outcome"] == "cancelled"
        await someone.event("idle")
        await told_of_every_step(someone)
        assert [event["type"] for event in someone.events].count("connected") == 1


async def test_a_failover_in_a_call_needs_no_restart(directory: Path) -> None:
    """The primary dies, its replica becomes the primary, and the address leads there."""
    port = free_port()
    async with (
        proxy() as way,
        running_stack(directory / "stack", way) as stack,
        redis_server(directory / "second", port) as second,
        Redis.from_url(second.url) as promoted,
        crowd(stack, 2) as (a, b),
    ):
        await follows(promoted, stack.redis_server)
        match = await meet(a, b)
        await stack.now()  # WAIT is for all up to what its connection was answered last
        assert await stack.redis.wait(1, 5_000) == 1  # else the last steps could be lost
        await stack.redis_server.kill()
        await way.open(port)
        await refused_by_replica(stack, a.headers)
        assert all(someone.listening for someone in (a, b))
        await promoted.replicaof("NO", "ONE")
        await is_ready(stack)
        assert [await a.state(), await b.state()] == ["IN_CALL", "IN_CALL"]
        assert (await a.post("end", sessionId=match["sessionId"]))["outcome"] == "ended"
        await part(a, b)
        await b.becomes("WAITING")
        await b.post("end")
        for someone in (a, b):
            await told_of_every_step(someone)
            assert [event["type"] for event in someone.events].count("connected") == 1


async def refused_by_replica(stack: Stack, headers: dict[str, str]) -> None:
    """Waits until the service has found its way to the replica, and is told there that it only reads."""

    async def is_told() -> bool:
        problem = await refused(stack, "POST", "/api/matching/skip", headers)
        return bool(problem["detail"] == "Redis is a read-only replica.")

    await eventually(is_told, what="a refusal by the replica")


async def follows(redis: Redis, primary: Server) -> None:
    """Makes a Redis the replica of another, and waits until it has all that there is."""
    at = urlsplit(primary.url)
    await redis.replicaof(str(at.hostname), int(at.port or 0))

    async def in_step() -> bool:
        return bool((await redis.info("replication"))["master_link_status"] == "up")

    await eventually(in_step, what="a replica that is in step")


async def test_a_redis_that_hangs_is_told_in_time(own_stack: Stack) -> None:
    async with crowd(own_stack, 1) as (someone,):
        with held_still(own_stack.redis_server):
            problem = await refused(own_stack, "POST", "/api/matching/heartbeat", someone.headers)
            assert problem["detail"] == "Redis does not answer in time."
            await refused(own_stack, "GET", "/api/matching/events", someone.headers)
            await misses(own_stack, "redis")
            await is_alive(own_stack)
        await is_ready(own_stack)
        await someone.listen()
        await someone.post("enqueue")
        await someone.event("queued")
        await someone.post("end")


async def test_a_stream_asked_for_while_redis_hangs_is_refused_in_time(own_stack: Stack) -> None:
    async with crowd(own_stack, 1) as (someone,):
        with held_still(own_stack.redis_server):
            await refused(own_stack, "GET", "/api/matching/events", someone.headers)
        await is_ready(own_stack)


async def test_an_outage_is_logged_once_however_many_ask(own_stack: Stack) -> None:
    async with crowd(own_stack, 1) as (someone,):
        await someone.post("heartbeat")
        away, back = len(logged(own_stack, "redis_away")), len(logged(own_stack, "redis_back"))
        await own_stack.redis_server.kill()
        try:
            asking = [
                refused(own_stack, "POST", "/api/matching/heartbeat", someone.headers) for _ in range(50)
            ]
            await asyncio.gather(*asking)
            await misses(own_stack, "redis")
        finally:
            await own_stack.redis_server.start()
        await is_ready(own_stack)

        async def told() -> bool:
            return len(logged(own_stack, "redis_back")) > back

        await eventually(told, what="redis_back")
        assert len(logged(own_stack, "redis_away")) == away + 1
        assert len(logged(own_stack, "redis_back")) == back + 1
        assert logged(own_stack, "redis_back")[-1]["away_s"] > 0
        assert "redis://" not in own_stack.service_log


async def test_scripts_that_redis_has_forgotten_fail_no_request(own_stack: Stack) -> None:
    async with crowd(own_stack, 1) as (someone,), Redis.from_url(own_stack.redis_server.url) as redis:
        for _ in range(3):
            await redis.script_flush()
            assert (await someone.post("enqueue"))["state"] == "WAITING"
            await redis.script_flush()
            assert (await someone.post("end"))["outcome"] == "cancelled"
