"""Redis is away, or takes no changes: who calls is told at once and in plain words."""

import asyncio
import time
from pathlib import Path

import pytest
from redis.asyncio import Redis

from dormparty_sse.dev.network import LOOPBACK, ask, free_port
from dormparty_sse.dev.redis_server import redis_server
from dormparty_sse.dev.server import Server
from dormparty_sse.domain.errors import StateAway
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.recovery import ConnectionState
from tests.support.connections import COUNT, ECHO, TIMEOUT_S, connection_to, goes_away, is_back
from tests.support.faults import held_still
from tests.support.waiting import eventually

KEYS = 16_384
SET_MANY = "for n = ARGV[1], ARGV[2] do redis.call('SET', 'key-' .. n, n) end"


async def test_a_server_that_hangs_costs_no_more_than_the_timeout(
    server: Server, connection: Connection
) -> None:
    with held_still(server):
        started = time.monotonic()
        calls = [connection.run(ECHO, ("{main}",), (str(n),)) for n in range(250)]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert time.monotonic() - started < TIMEOUT_S * 2  # which two in a row would take
        assert all(isinstance(outcome, StateAway) and "in time" in outcome.detail for outcome in outcomes)
        started = time.monotonic()
        with pytest.raises(StateAway) as caught:
            await connection.probe()
        assert time.monotonic() - started < 0.1  # it is known to be away
        assert caught.value.retry_after_s >= 1
    await is_back(connection)
    assert connection.health.reconnects == 1


async def test_a_replica_is_as_good_as_away(connection: Connection, redis: Redis) -> None:
    await redis.replicaof(LOOPBACK, free_port())
    try:
        with pytest.raises(StateAway, match="read-only replica"):
            await connection.run(COUNT, ("counter",), ())
        with pytest.raises(StateAway, match="read-only replica"):
            await connection.run(ECHO, ("{main}",), ("reads",))
    finally:
        await redis.replicaof("NO", "ONE")
    await is_back(connection)
    assert await connection.run(COUNT, ("counter",), ()) == 1


async def test_a_full_memory_is_as_good_as_away(connection: Connection, redis: Redis) -> None:
    await redis.config_set("maxmemory", 1)
    try:
        with pytest.raises(StateAway, match="no memory left"):
            await connection.run(COUNT, ("counter",), ())
        assert await redis.get("counter") is None
        assert connection.health.last_error == "Redis has no memory left (maxmemory) and takes no changes."
    finally:
        await redis.config_set("maxmemory", 0)
    await is_back(connection)


async def test_too_few_replicas_are_as_good_as_away(connection: Connection, redis: Redis) -> None:
    await redis.config_set("min-replicas-to-write", 1)
    try:
        with pytest.raises(StateAway, match="too few replicas"):
            await connection.run(COUNT, ("counter",), ())
    finally:
        await redis.config_set("min-replicas-to-write", 0)
    await is_back(connection)


async def test_wrong_credentials_are_told_without_naming_them(server: Server, redis: Redis) -> None:
    await redis.config_set("requirepass", "the-right-one")
    try:
        for user in ("", ":a-wrong-one@"):
            url = server.url.replace("://", f"://{user}")
            async with connection_to(url) as connection:
                with pytest.raises(StateAway, match="refuses our user, password or rights") as caught:
                    await connection.probe()
                assert "wrong-one" not in repr((caught.value, caught.value.__cause__))
        async with connection_to(server.url.replace("://", "://:the-right-one@")) as connection:
            await connection.probe()
    finally:
        async with Redis.from_url(server.url, password="the-right-one") as admin:
            await admin.config_set("requirepass", "")


async def test_a_server_that_loads_its_data_is_away_until_it_has(directory: Path) -> None:
    port = free_port()
    server = redis_server(directory, port)
    async with server, Redis.from_url(server.url) as redis:
        for start in range(0, KEYS, 1_024):
            await redis.eval(SET_MANY, 0, str(start), str(start + 1_023))

    async def listens() -> bool:
        return bool(await ask(port, b"PING\r\n"))

    slow = Server(
        name="a Redis that loads",
        url=server.url,
        command=[*server._command, "--key-load-delay", "50"],
        ready=listens,
        log=directory / "redis.log",
        cwd=directory,
    )
    async with slow, connection_to(server.url, max_retries=1_000) as connection:
        seen = {await goes_away(connection)}

        async def loaded() -> bool:
            seen.add(connection.health.last_error or "")
            connection.recovery.need()
            return connection.health.state is ConnectionState.UP

        await eventually(loaded, what="all data")
        assert "Redis is still loading its data." in seen
        assert await connection.execute("GET", f"key-{KEYS - 1}") == str(KEYS - 1)
