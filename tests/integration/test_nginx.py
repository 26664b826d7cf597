"""The nginx configuration that is shipped: what it passes on, what it keeps back, and what it makes good."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from dormparty_sse.dev.network import LOOPBACK, free_port
from tests.support.nginx import Nginx, nginx
from tests.support.pretended import FRAMINGS, Services, StreamService
from tests.support.raw import send_raw

STREAMS = ["/api/matching/events", "/api/sse"]


@pytest.fixture(scope="module")
async def both_services() -> AsyncIterator[Services]:
    both = Services()
    for number in range(2):
        await both.start(number)
    yield both
    for number in range(2):
        await both.stop(number)


@pytest.fixture(scope="module")
async def front(both_services: Services, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nginx]:
    async with nginx(
        tmp_path_factory.mktemp("nginx") / "a path with spaces", *both_services.ports
    ) as running:
        yield running


@pytest.fixture
def services(both_services: Services) -> Services:
    """Both, of which nothing was asked yet."""
    both_services.asked.clear()
    both_services.first = both_services.second = both_services.fine
    return both_services


@pytest.fixture
async def http(front: Nginx) -> AsyncIterator[aiohttp.ClientSession]:
    async with session_with(front) as session:
        yield session


def session_with(front: Nginx) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(ssl=front.trust)
    return aiohttp.ClientSession(front.url, connector=connector, auto_decompress=False)


async def test_what_the_browser_says_of_itself_is_replaced(
    services: Services, http: aiohttp.ClientSession
) -> None:
    spoofed = {
        "X-Forwarded-For": "1.2.3.4",
        "X-Forwarded-Proto": "gopher",
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "for=1.2.3.4;proto=gopher",
        "Host": "party.example:8443",
        "Last-Event-ID": "1-1",
        "Cookie": "dormparty_session=x",
    }
    for path in ("/api/session", *STREAMS):
        async with http.get(path, headers=spoofed) as answer:
            assert answer.status == 200
        got = services.asked[-1].headers
        assert {name: got.getall(name, []) for name in spoofed} == {
            "X-Forwarded-For": [LOOPBACK],
            "X-Forwarded-Proto": ["https"],
            "X-Forwarded-Host": ["party.example:8443"],
            "Forwarded": [],
            "Host": ["party.example:8443"],
            "Last-Event-ID": ["1-1"],
            "Cookie": ["dormparty_session=x"],
        }


async def test_a_post_that_a_dying_process_took_is_answered_by_the_next(
    services: Services, http: aiohttp.ClientSession
) -> None:
    services.first = services.drop
    for _ in range(6):
        async with http.post("/api/matching/skip", data=b"{}") as answer:
            assert (answer.status, await answer.text()) == (200, "fine")
    assert len(services.asked) > 6  # some were asked twice


async def test_a_process_that_is_not_there_costs_no_request(
    services: Services, http: aiohttp.ClientSession
) -> None:
    for number in (0, 1, 0, 1):  # each at once after the other, as if restarted one after the other
        await services.stop(number)
        for _ in range(6):
            async with http.post("/api/matching/skip", data=b"{}") as answer:
                assert answer.status == 200
        await services.start(number)


async def test_other_processes_take_the_streams_of_one_that_refuses(services: Services, front: Nginx) -> None:
    services.first = services.busy
    for path in STREAMS * 3:  # aiohttp's client would ask once more if it was dropped
        assert await send_raw(front.url, f"GET {path}", tls=front.trust) == (200, None)
    assert len(services.asked) > 6


async def test_a_stream_that_nobody_takes_is_dropped_and_an_action_is_refused(
    services: Services, http: aiohttp.ClientSession
) -> None:
    services.first = services.second = services.busy
    for path in STREAMS:
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.get(path)
    async with http.post("/api/matching/skip") as answer:
        assert (answer.status, await answer.text()) == (503, "busy")


@pytest.mark.parametrize("status", [401, 403, 422])
async def test_a_refused_stream_is_told_why(
    status: int, services: Services, http: aiohttp.ClientSession
) -> None:
    async def refuse(_request: web.BaseRequest) -> web.Response:
        return web.json_response({"code": "why"}, status=status)

    services.first = services.second = refuse
    async with http.get(STREAMS[0]) as answer:
        assert (answer.status, await answer.json()) == (status, {"code": "why"})


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/metrics?x=1",
        "//metrics",
        "/%6Detrics",
        "/./metrics",
        "/api/../metrics",
        "/readyz",
        "//readyz",
    ],
)
async def test_what_operators_ask_is_not_for_the_public(path: str, services: Services, front: Nginx) -> None:
    status, _ = await send_raw(front.url, f"GET {path}", tls=front.trust)
    assert status == 404
    assert not services.asked


async def test_a_body_is_as_large_as_a_webhook_at_most(
    services: Services, http: aiohttp.ClientSession
) -> None:
    async with http.post("/api/livekit/webhooks", data=b"x" * 256 * 1024) as answer:
        assert answer.status == 200
    async with http.post("/api/livekit/webhooks", data=b"x" * (256 * 1024 + 1)) as answer:
        assert answer.status == 413
    assert len(services.asked) == 1


async def test_files_are_compressed_and_secrets_are_not(
    services: Services, http: aiohttp.ClientSession
) -> None:
    async def large(request: web.BaseRequest) -> web.Response:
        return web.Response(text="x" * 5000, content_type=request.query["type"])

    services.first = services.second = large
    for kind, encoding in {"text/javascript": "gzip", "text/css": "gzip", "application/json": None}.items():
        headers = {"Accept-Encoding": "gzip"}
        async with http.get("/static/any", params={"type": kind}, headers=headers) as answer:
            assert answer.headers.get("Content-Encoding") == encoding


async def test_http_leads_to_https(services: Services, front: Nginx) -> None:
    plain = f"http://{LOOPBACK}:{front.plain_port}/api/session?x=1"
    async with aiohttp.ClientSession() as http, http.post(plain, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (301, f"https://{LOOPBACK}/api/session?x=1")
    assert not services.asked


@pytest.mark.usefixtures("services")
async def test_the_log_names_no_query(front: Nginx, http: aiohttp.ClientSession) -> None:
    async with http.get("/api/matching/status", params={"userId": "somebody"}):
        pass
    await front.logs('"GET /api/matching/status HTTP/1.1" 200')
    assert "somebody" not in front.access_log.read_text()


@pytest.mark.parametrize("path", STREAMS)
@pytest.mark.parametrize("framing", FRAMINGS)
async def test_each_event_of_a_stream_passes_at_once_and_uncompressed(
    framing: str, path: str, directory: Path
) -> None:
    service = StreamService(FRAMINGS[framing])
    port = free_port()
    server = await asyncio.start_server(service.serve, LOOPBACK, port)
    async with (
        asyncio.timeout(10),
        server,
        nginx(directory, port, port) as front,
        session_with(front) as http,
        http.get(path, headers={"Accept-Encoding": "gzip"}) as answer,
    ):
        assert "Content-Encoding" not in answer.headers
        for number in range(20):  # the next is sent once the last has arrived
            service.send(b"data: %d\n" % number)
            assert await answer.content.readline() == b"data: %d\n" % number
        assert answer.connection
        assert answer.connection.transport
        answer.connection.transport.abort()
        await service.closed.wait()  # as soon as the browser has gone
