import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from dormparty_sse.dev.network import LOOPBACK, free_port
from tests.support.proxy import Proxy, proxy
from tests.support.waiting import eventually


@dataclass(slots=True)
class EchoServer:
    """Answers with what it receives."""

    port: int = 0
    received: bytes = b""
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                self.received += data
                writer.write(data)
                await writer.drain()
        writer.close()

    async def has_received(self, data: bytes) -> None:
        async def all_there() -> bool:
            return self.received == data

        await eventually(all_there, 2, f"{data!r} received")


@pytest.fixture
async def server() -> AsyncIterator[EchoServer]:
    echo = EchoServer()
    listening = await asyncio.start_server(echo.echo, LOOPBACK, 0)
    echo.port = listening.sockets[0].getsockname()[1]
    yield echo
    listening.close()
    for writer in echo.writers:
        writer.transport.abort()


@pytest.fixture
async def way(server: EchoServer) -> AsyncIterator[Proxy]:
    async with proxy() as opened:
        await opened.open(server.port)
        yield opened


@dataclass(frozen=True, slots=True)
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, request: bytes) -> bytes:
        """What comes back of the request until all is there, or the connection is cut."""
        self.writer.write(request)
        return await self.receive(len(request))

    async def receive(self, length: int) -> bytes:
        received = b""
        with suppress(ConnectionError):
            async with asyncio.timeout(2):
                while len(received) < length and (data := await self.reader.read(length)):
                    received += data
        return received

    async def is_cut(self) -> None:
        assert await self.receive(1) == b""


@asynccontextmanager
async def client(way: Proxy) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection(LOOPBACK, way.port)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


async def test_everything_passes_both_ways(way: Proxy) -> None:
    request = bytes(range(256)) * 4_000
    async with client(way) as one, client(way) as other:
        answers = await asyncio.gather(one.ask(request), other.ask(b"hello"))
    assert list(answers) == [request, b"hello"]


async def test_end_of_what_the_client_sends_reaches_the_server(way: Proxy) -> None:
    async with client(way) as one:
        one.writer.write(b"all")
        one.writer.write_eof()
        assert await one.receive(100) == b"all"


async def test_shut_way_cuts_and_refuses_until_it_is_opened(way: Proxy) -> None:
    async with client(way) as one:
        assert await one.ask(b"a") == b"a"
        await way.shut()
        await one.is_cut()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(LOOPBACK, way.port)
    await way.open()
    async with client(way) as other:
        assert await other.ask(b"b") == b"b"


async def test_way_to_a_server_that_is_away_is_cut() -> None:
    async with proxy() as way:
        await way.open(free_port())
        async with client(way) as one:
            await one.is_cut()


async def test_cut_lets_new_connections_through(way: Proxy) -> None:
    async with client(way) as one:
        assert await one.ask(b"a") == b"a"
        await way.cut()
        await one.is_cut()
    async with client(way) as other:
        assert await other.ask(b"b") == b"b"


async def test_latency_is_added_each_way_and_not_to_each_byte(way: Proxy) -> None:
    way.latency_s = 0.1
    async with client(way) as one:
        started = time.perf_counter()
        for letter in b"several":
            one.writer.write(bytes([letter]))
            await asyncio.sleep(0.005)
        assert await one.receive(7) == b"several"
        assert 0.2 <= time.perf_counter() - started < 0.5


async def test_held_bytes_arrive_when_the_way_is_open_again(way: Proxy, server: EchoServer) -> None:
    async with client(way) as one:
        assert await one.ask(b"a") == b"a"
        way.hold()
        async with client(way) as other:
            one.writer.write(b"b")
            other.writer.write(b"c")
            await asyncio.sleep(0.05)
            assert server.received == b"a"
            await way.open()
            assert (await one.receive(1), await other.receive(1)) == (b"b", b"c")


async def test_held_bytes_are_lost_if_the_way_is_cut(way: Proxy, server: EchoServer) -> None:
    async with client(way) as one:
        way.hold()
        one.writer.write(b"a")
        await asyncio.sleep(0.05)
        await way.cut()
        await way.open()
        await one.is_cut()
    async with client(way) as other:
        assert await other.ask(b"b") == b"b"
    assert server.received == b"b"


@pytest.mark.parametrize("passing", [0, 3, 5])
async def test_cut_after_so_many_bytes_of_the_answer(way: Proxy, server: EchoServer, passing: int) -> None:
    way.cut_after(down=passing)
    async with client(way) as one:
        assert await one.ask(b"hello") == b"hello"[:passing]
        await one.is_cut()
    await server.has_received(b"hello")
    async with client(way) as other:
        assert await other.ask(b"again") == b"again"
    assert way.cuts == 1


@pytest.mark.parametrize("passing", [0, 3])
async def test_cut_after_so_many_bytes_of_the_request(way: Proxy, server: EchoServer, passing: int) -> None:
    async with client(way) as one:
        assert await one.ask(b"first") == b"first"
        way.cut_after(up=passing)
        one.writer.write(b"hello")
        assert len(await one.receive(5)) <= passing
        await one.is_cut()
    await server.has_received(b"first" + b"hello"[:passing])
    assert way.cuts == 1


async def test_answers_are_lost_after_the_requests_arrived(way: Proxy, server: EchoServer) -> None:
    way.lose_answers(2)
    for request in (b"one", b"two"):
        async with client(way) as one:
            assert await one.ask(request) == b""
    async with client(way) as one:
        assert await one.ask(b"three") == b"three"
    assert server.received == b"onetwothree"
    assert way.cuts == 2


async def test_only_answers_to_certain_requests_are_lost(way: Proxy) -> None:
    way.lose_answers(1, b"change")
    async with client(way) as reader, client(way) as changer:
        assert await reader.ask(b"read") == b"read"
        assert await changer.ask(b"change") == b""
        assert await reader.ask(b"change") == b"change"


async def where_cut(way: Proxy, seed: int) -> list[int]:
    """Of some requests, one after the other, how many bytes each got back."""
    way.cut_at_random(seed, within=300)
    answers = []
    for _ in range(12):
        async with client(way) as one:
            answers.append(len(await one.ask(b"." * 100)))
    await way.open()
    return answers


async def test_random_cuts_are_repeatable(way: Proxy) -> None:
    first = await where_cut(way, seed=7)
    cuts = way.cuts
    assert 0 < first.count(100) < len(first)
    assert await where_cut(way, seed=7) == first
    assert way.cuts == 2 * cuts
    assert await where_cut(way, seed=8) != first


async def test_open_way_has_no_fault_left(way: Proxy) -> None:
    way.latency_s = 5
    way.cut_after(up=1, down=1)
    way.cut_at_random(1, within=2)
    way.lose_answers(9)
    await way.open()
    async with client(way) as one:
        for request in (b"one", b"two", b"three"):
            assert await one.ask(request) == request
    assert way.cuts == 0
