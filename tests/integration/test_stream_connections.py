"""Streams to clients that are not what one expects: of an old protocol, talkative, or gone too soon."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from dormparty_sse.dev.server import Server
from tests.conftest import NewPerson
from tests.support.metrics import Scrape, scrape
from tests.support.person import Person
from tests.support.poller import PATH
from tests.support.replay import busy
from tests.support.stack import Stack
from tests.support.waiting import PATIENCE_S, eventually

OPENED = "dormparty_streams_opened_total"
CLOSED = "dormparty_streams_closed_total"


@pytest.fixture(scope="module")
async def service(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """Where nobody else's streams are counted."""
    async with stack.another_service(tmp_path_factory.mktemp("connections")) as running:
        yield running


@pytest.fixture
async def someone(service: Server, new_person: NewPerson) -> Person:
    made = await new_person()
    made.base_url = service.url
    return made


@asynccontextmanager
async def raw_stream(
    someone: Person, version: str = "1.1", more: bytes = b""
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection over which a stream was asked for, and `more` sent in the same breath."""
    place = urlsplit(someone.base_url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    head = f"GET {PATH} HTTP/{version}\r\nHost: {place.netloc}\r\n"
    writer.write(f"{head}Authorization: {someone.headers['Authorization']}\r\n\r\n".encode() + more)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def comes(reader: asyncio.StreamReader, text: bytes) -> bytes:
    """What comes up to and with this."""
    async with asyncio.timeout(PATIENCE_S):
        return await reader.readuntil(text)


async def all_closed(stack: Stack, service: Server) -> Scrape:
    """Waits until no stream is open: what the metrics say then."""

    async def none_open() -> Scrape | None:
        seen = await scrape(stack.http, service.url)
        return seen if seen.value("dormparty_streams") == 0 else None

    seen = await eventually(none_open, what="no open stream")
    assert seen
    return seen


async def test_a_client_of_http_1_0_gets_the_bare_events(someone: Person) -> None:
    async with raw_stream(someone, "1.0") as (reader, _):
        head = await comes(reader, b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.0 200 ")
        assert b"chunked" not in head.lower()
        connected = await comes(reader, b"\n\n")
        assert connected.startswith((b"id: ", b"retry: "))
        await busy(someone, 1)
        idle = await comes(reader, b'"idle"')
        assert b"\r\n" not in idle


@pytest.mark.parametrize(
    "more",
    [
        b"GET /api/matching/status HTTP/1.1\r\nHost: here\r\n\r\n",
        b"POST /api/matching/enqueue HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
async def test_a_request_behind_that_of_the_stream_is_not_answered_and_does_no_harm(
    more: bytes, someone: Person
) -> None:
    async with raw_stream(someone, more=more) as (reader, writer):
        head = await comes(reader, b'"connected"')
        writer.write(more + b"\x00 garbage")
        await busy(someone, 1)
        rest = await comes(reader, b'"idle"')
        assert (head + rest).count(b"HTTP/1.1 ") == 1


async def test_who_goes_in_the_moment_of_opening_leaves_no_stream_behind(
    stack: Stack, service: Server, someone: Person
) -> None:
    chance = random.Random(5)  # noqa: S311  # arbitrary moments, no secret
    for _ in range(100):
        async with raw_stream(someone):
            await asyncio.sleep(chance.uniform(0, 0.01))
    async with raw_stream(someone) as (reader, _):
        await comes(reader, b'"connected"')
        await busy(someone, 1)
        await comes(reader, b'"idle"')
    seen = await all_closed(stack, service)
    assert seen.value(OPENED) == seen.value(CLOSED) > 0


async def test_who_shuts_its_side_has_gone(stack: Stack, service: Server, someone: Person) -> None:
    async with raw_stream(someone) as (reader, writer):
        await comes(reader, b'"connected"')
        before = (await scrape(stack.http, service.url)).value(CLOSED, cause="client")
        writer.write_eof()
        seen = await all_closed(stack, service)
        assert seen.value(CLOSED, cause="client") == before + 1
