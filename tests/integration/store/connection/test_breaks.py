"""Connections break: what had no answer is repeated once, and nobody sees it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from dormparty_sse.dev.network import LOOPBACK, free_port
from dormparty_sse.dev.server import Server
from dormparty_sse.domain.errors import StateAway
from dormparty_sse.services.tasks import cancel
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.recovery import ConnectionState
from tests.support.connections import COUNT, ECHO, connection_to, is_back
from tests.support.proxy import Proxy


async def test_a_call_whose_answer_was_lost_is_repeated_once(redis: Redis, proxy: Proxy) -> None:
    async with connection_to(proxy.redis_url) as connection:
        await connection.run(COUNT, ("lost",), ())
        proxy.lose_answers(1, to=b"EVALSHA")
        assert await connection.run(COUNT, ("lost",), ()) == 3  # the second time, it had been counted
        assert connection.health.state is ConnectionState.UP
        proxy.lose_answers(2, to=b"EVALSHA")
        with pytest.raises(StateAway, match="no connection"):
            await connection.run(COUNT, ("lost",), ())
        assert await redis.get("lost") == "5"
        await is_back(connection)


async def test_what_had_its_answer_when_the_connection_broke_is_not_repeated(proxy: Proxy) -> None:
    async with connection_to(proxy.redis_url) as connection:
        await connection.probe()
        proxy.cut_after(down=3 * len(":1\r\n"))
        answers = await asyncio.gather(*(connection.execute("INCR", f"answered-{n}") for n in range(6)))
        assert answers == [1, 1, 1, 2, 2, 2]  # all were counted before the break


async def test_connections_that_redis_has_closed_cost_nobody_an_error(server: Server, redis: Redis) -> None:
    async with connection_to(server.url, pool_size=4) as connection:
        for _ in range(5):
            await asyncio.gather(*(connection.run(ECHO, ("{main}",), ("x",)) for _ in range(300)))
            await redis.client_kill_filter(_type="normal", skipme=True)
        assert connection.health.reconnects == 0


@asynccontextmanager
async def silent_way(server: Server, silent: int) -> AsyncIterator[str]:
    """The URL of a way to the server on which the connection of this number hears nothing."""
    numbers = count(1)
    ends: list[asyncio.StreamWriter] = []
    tasks: list[asyncio.Task[None]] = []

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends.append(writer)
        if next(numbers) == silent:
            return
        back, onward = await asyncio.open_connection(LOOPBACK, urlsplit(server.url).port)
        ends.append(onward)
        tasks.extend((asyncio.create_task(carry(reader, onward)), asyncio.create_task(carry(back, writer))))

    port = free_port()
    async with await asyncio.start_server(take, LOOPBACK, port):
        yield f"redis://{LOOPBACK}:{port}/0"
        await cancel(tasks)
        for end in ends:
            end.close()
            with suppress(ConnectionError):
                await end.wait_closed()


async def test_one_connection_that_fell_silent_is_no_outage(server: Server) -> None:
    async with silent_way(server, silent=2) as url, connection_to(url, pool_size=2) as connection:

        async def ask_much() -> list[object]:
            calls = [connection.run(ECHO, ("{main}",), (str(n),)) for n in range(150)]
            return list(await asyncio.gather(*calls, return_exceptions=True))

        first = await ask_much()
        assert {str(answer) for answer in first if isinstance(answer, StateAway)} == {
            "Redis does not answer in time."
        }
        assert await ask_much() == [str(n) for n in range(150)]
        assert (connection.health.state, connection.health.last_error) == (ConnectionState.UP, None)


async def test_after_a_restart_connections_and_scripts_are_made_anew(
    server: Server, connection: Connection
) -> None:
    assert await connection.run(ECHO, ("{main}",), ("before",)) == "before"
    await server.restart()
    await is_back(connection)
    assert await connection.run(ECHO, ("{main}",), ("after",)) == "after"
