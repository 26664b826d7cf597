"""While Redis is away: when it is looked for, and what is known of it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from dormparty_sse.dev.network import LOOPBACK, free_port
from dormparty_sse.dev.server import Server
from dormparty_sse.domain.errors import StateAway
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.lanes import pack
from dormparty_sse.store.recovery import ConnectionState
from tests.support.connections import came_back, connection_to, goes_away, is_back
from tests.support.waiting import eventually


@asynccontextmanager
async def hostile(port: int) -> AsyncIterator[list[float]]:
    """When somebody connected to this port, each of whom was sent away."""
    times: list[float] = []

    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        times.append(time.monotonic())
        writer.close()

    async with await asyncio.start_server(refuse, LOOPBACK, port):
        yield times


def pauses(times: list[float]) -> list[float]:
    return [after - before for before, after in pairwise(times)]


async def test_attempts_become_rarer_and_then_redis_is_down() -> None:
    port = free_port()
    async with (
        hostile(port) as times,
        connection_to(f"redis://{LOOPBACK}:{port}/0", max_retries=5, rarest_retry_s=0.4) as it,
    ):
        with pytest.raises(StateAway):
            await it.probe()
        calls = len(times)  # the call itself, repeated once
        assert it.health.state == "reconnecting"

        async def tried() -> bool:
            return len(times) >= calls + 7

        await eventually(tried, what="seven attempts")
        assert it.health.state == "down"
        assert it.health.last_error == "There is no connection to Redis."
        waits = pauses(times[calls:])
        for wait, (least, most) in zip(
            waits, [(0.025, 0.05), (0.05, 0.1), (0.1, 0.2), (0.2, 0.4), (0.2, 0.4)], strict=False
        ):
            assert least - 0.01 <= wait <= most + 0.1, waits


async def test_who_needs_redis_brings_the_next_attempt_forward() -> None:
    port = free_port()
    async with (
        hostile(port) as times,
        connection_to(f"redis://{LOOPBACK}:{port}/0", rarest_retry_s=60) as it,
    ):
        with pytest.raises(StateAway):
            await it.probe()
        calls = len(times)
        until = time.monotonic() + 1
        while time.monotonic() < until:
            with pytest.raises(StateAway):
                await it.probe()
            await asyncio.sleep(0.002)
        waits = pauses(times[calls:])
        assert len(waits) >= 8
        assert min(waits) >= 0.4 * 0.05 - 0.005  # never more often than it may be


async def test_while_somebody_waits_attempts_stay_frequent_and_out_of_step() -> None:
    port = free_port()
    soonest_s = 0.2
    async with (
        hostile(port) as times,
        connection_to(
            f"redis://{LOOPBACK}:{port}/0", soonest_retry_s=soonest_s, rarest_retry_s=60
        ) as waited_for,
    ):
        waited_for.recovery.needed_while(lambda: True)
        waited_for.recovery.lost("a test")

        async def tried() -> bool:
            return len(times) > 20

        await eventually(tried, what="twenty attempts")
        waits = sorted(pauses(times))
        assert waits[0] >= 0.4 * soonest_s - 0.01
        assert waits[len(waits) // 2] < 0.9 * soonest_s
        assert waits[15] - waits[0] > 0.1 * soonest_s, "all alike"


async def test_what_is_not_urgent_brings_nothing_forward() -> None:
    port = free_port()
    async with (
        hostile(port) as times,
        connection_to(f"redis://{LOOPBACK}:{port}/0", rarest_retry_s=60) as it,
    ):
        until = time.monotonic() + 1
        while time.monotonic() < until:
            with pytest.raises(StateAway):
                await it.execute("TIME", urgent=False)
            await asyncio.sleep(0.01)
        assert len(times) <= 8


async def test_health_says_how_it_is_and_how_it_was(server: Server, connection: Connection) -> None:
    health = connection.health
    assert (health.state, health.last_error, health.reconnects) == (ConnectionState.UP, None, 0)
    assert 0 < (health.latency_ms or 0) < 1_000
    assert abs(health.since - time.time() * 1000) < 10_000
    await server.kill()
    try:
        await goes_away(connection)
        away = connection.health
        assert away.state is ConnectionState.RECONNECTING
        assert away.since >= health.since
        assert away.last_error == "There is no connection to Redis."
    finally:
        await server.start()
    await is_back(connection)
    back = connection.health
    assert back.reconnects == 1
    assert back.last_error
    assert back.since > away.since


async def test_a_subscription_breaks_when_redis_was_away(connection: Connection, redis: Redis) -> None:
    async with connection.subscription() as link:
        await link.send_packed_command(pack("SUBSCRIBE", "news"), check_health=False)
        assert (await link.read_response())[0] == "subscribe"
        reading = asyncio.create_task(link.read_response())
        await redis.config_set("maxmemory", 1)
        try:
            with pytest.raises(StateAway):
                await connection.probe()
        finally:
            await redis.config_set("maxmemory", 0)
        await came_back(connection)
        with pytest.raises(RedisConnectionError):
            await asyncio.wait_for(reading, 5)
