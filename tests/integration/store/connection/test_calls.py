"""Calls: sent together, each with its own answer, in time."""

import asyncio
import time

import pytest
from redis.asyncio import Redis

from dormparty_sse.dev.server import Server
from dormparty_sse.domain.errors import StateAway, StateFault
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.lanes import Script
from dormparty_sse.store.recovery import ConnectionState
from tests.support.connections import ECHO, TIMEOUT_S, came_back, connection_to

BUSY = Script("""
local function now() local time = redis.call('TIME') return time[1] + time[2] / 1e6 end
local last = now() + ARGV[1]
while now() < last do end
return ARGV[1]
""")


async def test_calls_made_at_once_get_each_its_own_answer(connection: Connection) -> None:
    answers = await asyncio.gather(*(connection.run(ECHO, ("{main}",), (str(n),)) for n in range(500)))
    assert answers == [str(n) for n in range(500)]


async def test_calls_made_while_the_connection_is_busy_are_sent_together(
    connection: Connection, redis: Redis
) -> None:
    await redis.config_resetstat()
    before = (await redis.info("stats"))["total_reads_processed"]
    calls = [connection.execute("INCR", "counter") for _ in range(100)]
    assert await asyncio.gather(*calls) == list(range(1, 101))  # first come, first served
    assert (await redis.info("stats"))["total_reads_processed"] - before < 20


async def test_a_process_has_no_more_connections_than_it_may(server: Server, redis: Redis) -> None:
    before = len(await redis.client_list())
    async with connection_to(server.url, pool_size=3) as connection:
        await asyncio.gather(*(connection.run(ECHO, ("{main}",), ("x",)) for _ in range(300)))
        assert len(await redis.client_list()) - before == 3


async def test_a_script_that_redis_has_forgotten_is_sent_again_in_full(
    connection: Connection, redis: Redis
) -> None:
    for forget in (redis.script_flush, redis.script_flush):
        answers = await asyncio.gather(*(connection.run(ECHO, ("{main}",), (str(n),)) for n in range(30)))
        assert answers == [str(n) for n in range(30)]
        await forget()


async def test_a_fault_in_a_script_fails_that_call_alone(connection: Connection) -> None:
    broken = Script("return redis.call('INCR', KEYS[1], 'too', 'many')")
    outcomes = await asyncio.gather(
        connection.run(ECHO, ("{main}",), ("before",)),
        connection.run(broken, ("{main}",), ()),
        connection.run(ECHO, ("{main}",), ("after",)),
        return_exceptions=True,
    )
    assert (outcomes[0], outcomes[2]) == ("before", "after")
    assert isinstance(outcomes[1], StateFault)
    assert connection.health.state is ConnectionState.UP


async def test_a_caller_that_gives_up_takes_nothing_from_the_others(connection: Connection) -> None:
    for _ in range(20):
        calls = [asyncio.create_task(connection.run(ECHO, ("{main}",), (str(n),))) for n in range(40)]
        await asyncio.sleep(0.0005)  # some are waiting, some are under way
        for call in calls[::2]:
            call.cancel()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert answers[1::2] == [str(n) for n in range(1, 40, 2)]
    assert connection.health.reconnects == 0


async def test_the_answer_to_a_call_that_timed_out_reaches_nobody_else(
    connection: Connection, redis: Redis
) -> None:
    await redis.client_pause(round(TIMEOUT_S * 1_400))
    started = time.monotonic()
    with pytest.raises(StateAway, match="in time"):
        await connection.run(ECHO, ("{main}",), ("late",))
    assert time.monotonic() - started < TIMEOUT_S + 0.2
    await came_back(connection)
    assert await connection.run(ECHO, ("{main}",), ("mine",)) == "mine"


async def test_waiting_for_a_connection_counts_towards_the_timeout(connection: Connection) -> None:
    busy_s = TIMEOUT_S * 0.7
    first = asyncio.create_task(connection.run(BUSY, ("{main}",), (str(busy_s),)))
    await asyncio.sleep(0.01)
    started = time.monotonic()
    with pytest.raises(StateAway, match="in time"):
        await connection.run(BUSY, ("{main}",), (str(busy_s),))
    assert time.monotonic() - started < TIMEOUT_S + 0.1
    assert await first == str(busy_s)
    assert await connection.run(ECHO, ("{main}",), ("mine",)) == "mine"  # not the late answer


async def test_closing_waits_for_what_is_under_way(server: Server) -> None:
    async with connection_to(server.url) as connection:
        calls = [asyncio.create_task(connection.run(ECHO, ("{main}",), (str(n),))) for n in range(300)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*calls) == [str(n) for n in range(300)]
    with pytest.raises(StateAway, match="stopping"):
        await connection.probe()
