"""The connection of a stream, taken over from aiohttp: on uvloop, as in production, and on asyncio's loop."""

import asyncio
import gc
from collections.abc import Awaitable, Callable

import pytest
import uvloop
from aiohttp import web

from dormparty_sse.dev.network import LOOPBACK
from dormparty_sse.domain.models import Event
from tests.support.event_server import (
    GET,
    NEWS,
    POST,
    EventServer,
    client,
    read_until,
    serving,
    transport_of,
    until,
)

Scenario = Callable[[EventServer], Awaitable[None]]
Run = Callable[[Scenario], None]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a scenario with a server, in a loop of its own."""

    def run_it(scenario: Scenario) -> None:
        async def whole() -> None:
            async with serving() as server:
                await scenario(server)

        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(whole())

    return run_it


def test_an_open_stream_holds_no_request_and_no_task(run: Run) -> None:
    number = 10

    async def scenario(server: EventServer) -> None:
        tasks = len(asyncio.all_tasks())
        writers = []
        for _ in range(number):
            reader, writer = await asyncio.open_connection(LOOPBACK, server.port)
            writer.write(GET)
            await read_until(reader, b'"first"}\n\n')
            writers.append(writer)
        await until(lambda: len(server.open) == number)
        await asyncio.sleep(0)
        gc.collect()
        kept = [
            thing for thing in gc.get_objects() if isinstance(thing, web.BaseRequest | web.RequestHandler)
        ]
        for writer in writers:
            writer.transport.abort()
        assert kept == []
        assert len(asyncio.all_tasks()) == tasks
        await until(lambda: server.gone == number)

    run(scenario)


def test_head_and_first_events_come_in_chunks_and_the_end_is_one(run: Run) -> None:
    async def scenario(server: EventServer) -> None:
        async with client(server) as (reader, _):
            head = await read_until(reader, b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"Transfer-Encoding: chunked\r\n" in head
            await until(lambda: bool(server.open))
            server.open[0].tell(NEWS)
            server.open[0].finish(come_back=True)
            rest = await reader.read()
        chunks = []
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            chunks.append(rest[: int(size, 16)])
            rest = rest[int(size, 16) + 2 :]
        assert chunks[:2] == [b'id: 1-0\ndata: {"type":"first"}\n\n', b'id: 2-0\ndata: {"type":"news"}\n\n']
        assert 100 <= int(chunks[2].removeprefix(b"retry: ")) <= 500
        assert chunks[3:] == [b""]
        await until(lambda: server.gone == 1)

    run(scenario)


def test_a_stream_that_is_over_before_it_has_begun_sends_its_client_back_and_ends_once(run: Run) -> None:
    async def scenario(server: EventServer) -> None:
        async with client(server, GET.replace(b"/events", b"/over")) as (reader, _):
            await read_until(reader, b"\r\n\r\n")
            size, _, rest = (await reader.read()).partition(b"\r\n")
        length = int(size, 16)
        assert rest[:length].startswith(b"retry: ")
        assert rest[length:] == b"\r\n0\r\n\r\n"
        await until(lambda: server.gone == 1)

    run(scenario)


def test_a_client_of_http_1_0_gets_no_chunks(run: Run) -> None:
    async def scenario(server: EventServer) -> None:
        async with client(server, b"GET /events HTTP/1.0\r\n\r\n") as (reader, _):
            head = await read_until(reader, b"\r\n\r\n")
            assert b"chunked" not in head
            await until(lambda: bool(server.open))
            server.open[0].tell(NEWS)
            server.open[0].finish()
            body = await reader.read()
        assert body == b'id: 1-0\ndata: {"type":"first"}\n\nid: 2-0\ndata: {"type":"news"}\n\n'

    run(scenario)


@pytest.mark.parametrize("more", [GET, POST, POST[:-3], GET * 50])
def test_further_requests_that_come_with_the_first_do_no_harm(more: bytes, run: Run) -> None:
    async def scenario(server: EventServer) -> None:
        async with client(server, GET + more) as (reader, _):
            await gets_news_and_end(server, reader)
        assert server.requests == 1

    run(scenario)


@pytest.mark.parametrize("more", [GET, b"\x00\xff garbage \r\n\r\n"])
def test_what_the_client_sends_later_does_no_harm(more: bytes, run: Run) -> None:
    async def scenario(server: EventServer) -> None:
        async with client(server) as (reader, writer):
            await until(lambda: bool(server.open))
            writer.write(more * 1000)
            await writer.drain()
            await gets_news_and_end(server, reader)
        assert server.requests == 1

    run(scenario)


async def gets_news_and_end(server: EventServer, reader: asyncio.StreamReader) -> None:
    await read_until(reader, b'"first"}\n\n')
    await until(lambda: bool(server.open))
    server.open[0].tell(NEWS)
    await read_until(reader, b'"news"}\n\n')
    server.open[0].finish()
    assert await reader.read() == b"\r\n0\r\n\r\n"


def test_a_client_that_goes_is_noticed_at_once_however_much_it_had_sent(run: Run) -> None:
    async def scenario(server: EventServer) -> None:
        async with client(server, GET + GET * 1000) as (reader, _):
            await read_until(reader, b'"first"}\n\n')
            await until(lambda: bool(server.open))
        await until(lambda: server.gone == 1)

    run(scenario)


def test_what_is_told_while_nothing_is_taken_waits_and_is_counted(run: Run) -> None:
    big = Event(event_id=None, data={"type": "big", "filling": "x" * 200_000})

    async def scenario(server: EventServer) -> None:
        async with client(server) as (reader, writer):
            await read_until(reader, b'"first"}\n\n')
            await until(lambda: bool(server.open))
            (connection,) = server.open
            transport_of(writer).pause_reading()
            assert connection.waiting == 0
            assert connection.stuck_s == 0
            for _ in range(100):
                connection.tell(big)
                await asyncio.sleep(0)
                if connection.waiting:
                    break
            before = connection.waiting
            assert before > 0
            connection.tell(NEWS)
            connection.ping()  # says nothing, so it need not wait
            assert connection.waiting == before + 1
            assert 0 < connection.stuck_s < 5
            transport_of(writer).resume_reading()
            await until_read(reader, b'"news"}\n\n')
            await until(lambda: connection.waiting == 0)
            assert connection.stuck_s == 0

    run(scenario)


async def until_read(reader: asyncio.StreamReader, end: bytes) -> None:
    """Reads on until this comes, however much comes before."""
    last = b""
    async with asyncio.timeout(10):
        while end not in last:
            last = last[-len(end) :] + await reader.read(65_536)


def test_a_cut_stream_ends_at_once_though_much_waits(run: Run) -> None:
    big = Event(event_id=None, data={"type": "big", "filling": "x" * 200_000})

    async def scenario(server: EventServer) -> None:
        async with client(server) as (reader, writer):
            await read_until(reader, b'"first"}\n\n')
            await until(lambda: bool(server.open))
            transport_of(writer).pause_reading()
            (connection,) = server.open
            while not connection.waiting:
                connection.tell(big)
                await asyncio.sleep(0)
            connection.finish()
            await asyncio.sleep(0.05)
            assert server.gone == 0  # it waits for the client
            connection.cut_off()
            await until(lambda: server.gone == 1)

    run(scenario)


def test_who_goes_in_the_moment_of_opening_leaves_nothing_behind(run: Run) -> None:
    async def scenario(server: EventServer) -> None:
        for delay_s in (0, 0, 0.001, 0.002, 0.005):
            async with client(server):
                await asyncio.sleep(delay_s)
        async with client(server) as (reader, _):
            await read_until(reader, b'"first"}\n\n')
        await until(lambda: server.open == [])

    run(scenario)
