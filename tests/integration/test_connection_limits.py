"""Connections that are too many, too slow, or bring too much before there is a request."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from dormparty_sse.dev.server import Server
from tests.support.asking import asking_from
from tests.support.logs import assert_nothing_crashed
from tests.support.problems import read_problem
from tests.support.raw import send_raw
from tests.support.stack import Stack
from tests.support.waiting import PATIENCE_S, eventually

TIMEOUT_S, CONNECTIONS = 1, 5
PROXY = "127.0.0.2"
HEAD = b"POST /api/matching/heartbeat HTTP/1.1\r\nHost: party.example\r\n"
PING = b"GET /healthz HTTP/1.1\r\nHost: party.example\r\n\r\n"


@pytest.fixture(scope="module")
async def service(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A service that is soon tired of waiting."""
    env = {
        "REQUEST_TIMEOUT_S": str(TIMEOUT_S),
        "CONNECTIONS_PER_ADDRESS": str(CONNECTIONS),
        "TRUSTED_PROXIES": PROXY,
        "STREAM_PING_INTERVAL_S": "1",
    }
    async with stack.another_service(tmp_path_factory.mktemp("strict"), **env) as running:
        yield running
    assert running.log
    assert_nothing_crashed(running.log.read_text())


class Line:
    """A connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def is_closed(self, timeout_s: float = PATIENCE_S) -> bytes:
        """Waits until the other end has closed it; what came before."""
        async with asyncio.timeout(timeout_s):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""

    async def ping(self) -> None:
        """A whole request, which is answered."""
        self.writer.write(PING)
        async with asyncio.timeout(PATIENCE_S):
            assert b"200 OK" in await self.reader.readuntil(b'"alive"}')

    async def answer(self) -> tuple[int, dict[str, object]]:
        """(status, problem) of the one answer before the end."""
        head, _, body = (await self.is_closed()).partition(b"\r\n\r\n")
        assert b"application/problem+json" in head, head
        problem = json.loads(body)
        assert f"\r\nX-Request-Id: {problem['requestId']}\r\n".encode() in head, head
        return int(head.split()[1]), problem


Connect = Callable[[str], Awaitable[Line]]


@pytest.fixture
async def connect(service: Server) -> AsyncIterator[Connect]:
    """Opens connections from an address."""
    lines: list[Line] = []

    async def open_line(sender: str) -> Line:
        place = urlsplit(service.url)
        ends = await asyncio.open_connection(place.hostname, place.port, local_addr=(sender, 0))
        lines.append(Line(*ends))
        return lines[-1]

    yield open_line
    for line in lines:
        line.writer.close()
        with suppress(OSError):
            await line.writer.wait_closed()


@pytest.mark.parametrize("head", [b"", b"G", HEAD, HEAD + b"X-Long: "])
async def test_a_connection_without_a_whole_head_is_closed(head: bytes, connect: Connect) -> None:
    line = await connect("127.0.5.1")
    begin = time.monotonic()
    line.writer.write(head)
    assert await line.is_closed() == b""
    assert TIMEOUT_S * 0.9 < time.monotonic() - begin < TIMEOUT_S + 2


async def drip(line: Line, data: bytes) -> None:
    """Sends a byte now and then, for as long as the connection is open."""
    for byte in data * 100:
        if line.writer.is_closing():
            return
        line.writer.write(bytes([byte]))
        await asyncio.sleep(TIMEOUT_S / 5)


@pytest.mark.parametrize("first", [b"", PING], ids=["the first head", "a later head"])
async def test_a_head_that_comes_bit_by_bit_is_not_waited_for(first: bytes, connect: Connect) -> None:
    line = await connect("127.0.5.1")
    if first:
        await line.ping()
    begin = time.monotonic()
    dripping = asyncio.create_task(drip(line, b"GET / HTTP/1.1\r\nX: y"))
    try:
        assert await line.is_closed() == b""
    finally:
        dripping.cancel()
    assert time.monotonic() - begin < TIMEOUT_S + 2


async def test_a_connection_between_requests_is_kept(connect: Connect) -> None:
    line = await connect("127.0.5.1")
    for _ in range(2):
        await line.ping()
        await asyncio.sleep(TIMEOUT_S * 1.5)
    await line.ping()
    line.writer.close()


@pytest.mark.parametrize("path", ["/api/matching/heartbeat", "/api/session", "/api/livekit/webhooks"])
async def test_a_body_that_does_not_come_is_not_waited_for(
    path: str, stack: Stack, service: Server, connect: Connect
) -> None:
    async with stack.http.post(f"{service.url}/api/session") as session:
        token = (await session.json())["token"]
    line = await connect("127.0.5.1")
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Length: 50\r\n\r\n"
    line.writer.write(head.encode() + b"{")
    dripping = asyncio.create_task(drip(line, b" "))
    try:
        status, problem = await line.answer()
    finally:
        dripping.cancel()
    assert (status, problem["code"]) == (408, "request_timeout")


async def test_a_stream_is_not_hurt(service: Server) -> None:
    async with asking_from("127.0.5.2") as http:
        async with http.post(f"{service.url}/api/session") as session:
            headers = {"Authorization": f"Bearer {(await session.json())['token']}"}
        url = f"{service.url}/api/matching/events"
        async with http.get(url, headers=headers) as stream:
            begin = time.monotonic()
            pings = 0
            while pings < 3:  # one in a second
                async with asyncio.timeout(PATIENCE_S):
                    pings += await stream.content.readline() == b": ping\n"
            assert time.monotonic() - begin > TIMEOUT_S * 1.5


async def test_connections_of_one_address_beyond_the_most_are_closed_at_once(connect: Connect) -> None:
    lines = [await connect("127.0.5.3") for _ in range(CONNECTIONS)]
    for line in lines:
        await line.ping()
    begin = time.monotonic()
    one_more = await connect("127.0.5.3")
    assert await one_more.is_closed() == b""
    assert time.monotonic() - begin < TIMEOUT_S * 0.9
    other = await connect("127.0.5.4")
    await other.ping()
    other.writer.close()
    lines.pop().writer.close()

    async def admitted() -> bool:
        line = await connect("127.0.5.3")
        line.writer.write(PING)
        try:
            answered = b"200 OK" in await line.reader.read(100)
        except ConnectionResetError:
            return False
        line.writer.close()
        return answered

    await eventually(admitted, what="a place for another connection")
    for line in lines:
        await line.ping()
        line.writer.close()


async def test_a_trusted_proxy_has_as_many_connections_as_it_likes(connect: Connect) -> None:
    lines = [await connect(PROXY) for _ in range(CONNECTIONS * 3)]
    for line in lines:
        await line.ping()
        line.writer.close()


LONG = b"x" * 9_000
#: What is sent as the request line's path and as headers; what is answered.
TOO_LARGE = {
    "URL": ("/" + "x" * 5_000, [], 414, "uri_too_long"),
    "query": ("/api/matching/status?a=" + "x" * 5_000, [], 414, "uri_too_long"),
    "endless URL": ("/" + "x" * 100_000, [], 414, "uri_too_long"),
    "header value": ("/healthz", [b"X-Long: " + LONG], 431, "headers_too_large"),
    "header name": ("/healthz", [LONG + b": x"], 431, "headers_too_large"),
    "cookie": ("/healthz", [b"Cookie: a=" + LONG], 431, "headers_too_large"),
    "many headers": ("/healthz", [b"X-%d: y" % number for number in range(100)], 431, "headers_too_large"),
    "no header": ("/healthz", [b"nonsense"], 400, "invalid_request"),
    "header with NUL": ("/healthz", [b"X: a\x00b"], 400, "invalid_request"),
    "two lengths": ("/healthz", [b"Content-Length: 1", b"Content-Length: 2"], 400, "invalid_request"),
}


@pytest.mark.parametrize(("path", "headers", "status", "code"), TOO_LARGE.values(), ids=TOO_LARGE)
async def test_a_head_that_is_too_large_or_none_is_a_problem(
    path: str, headers: list[bytes], status: int, code: str, service: Server
) -> None:
    answered, problem = await send_raw(service.url, f"GET {path}", *headers, sender="127.0.5.5")
    assert (answered, problem["status"], problem["code"]) == (status, status, code)
    assert problem["requestId"]
    assert problem["detail"]


async def test_a_head_without_end_is_refused(connect: Connect) -> None:
    line = await connect("127.0.5.6")
    line.writer.write(HEAD)
    for number in range(17):  # and not more: what nobody has read would cut the answer off
        line.writer.write(b"X-%d: %s\r\n" % (number, b"x" * 4_000))
    status, problem = await line.answer()
    assert (status, problem["code"]) == (431, "headers_too_large")


async def test_an_ordinary_head_and_the_longest_url_pass(service: Server) -> None:
    async with asking_from("127.0.5.7") as http:
        headers = {f"X-{number}": "y" * 100 for number in range(40)}
        async with http.get(f"{service.url}/{'x' * 4_000}", headers=headers) as answer:
            await read_problem(answer, 404, "not_found")
