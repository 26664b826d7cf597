"""A front end on another origin: those of the settings may use the service, all others see nothing."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from dormparty_sse.dev.server import Server
from tests.support.person import person
from tests.support.problems import read_problem
from tests.support.stack import Stack

ALLOWED = "https://front.example"
LOCAL = "http://localhost:3000"
EVENTS = "/api/matching/events"
HEARTBEAT = "/api/matching/heartbeat"


@pytest.fixture(scope="module")
async def service(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    directory = tmp_path_factory.mktemp("service")
    origins = f"{ALLOWED}, {LOCAL}"
    async with stack.another_service(
        directory, CORS_ORIGINS=origins, SESSION_COOKIE_SAME_SITE="None"
    ) as running:
        yield running


def strangers(url: str) -> list[str]:
    return [
        "null",
        "https://evil.example",
        "https://front.example.evil.example",
        "http://front.example",
        "https://front.example:444",
        "http://localhost:3001",
        f"{url}.evil.example",
    ]


def preflight(origin: str) -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,authorization",
    }


def assert_allowed(answer: aiohttp.ClientResponse, origin: str) -> None:
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "Origin" in answer.headers["Vary"]
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert set(exposed) == {"X-Request-Id", "Retry-After", "RateLimit", "RateLimit-Policy"}


def assert_not_allowed(answer: aiohttp.ClientResponse) -> None:
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize("origin", [ALLOWED, LOCAL])
async def test_a_preflight_allows_what_the_api_needs(stack: Stack, service: Server, origin: str) -> None:
    for path in (HEARTBEAT, EVENTS, "/api/session", "/api/admin/rooms/any"):
        async with stack.http.options(service.url + path, headers=preflight(origin)) as answer:
            assert answer.status == 204
            assert_allowed(answer, origin)
            methods = answer.headers["Access-Control-Allow-Methods"].split(", ")
            assert {"GET", "POST", "DELETE"} == set(methods)
            headers = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
            assert {"authorization", "content-type", "last-event-id", "x-request-id"} == set(headers)
            assert int(answer.headers["Access-Control-Max-Age"]) > 0


async def test_a_preflight_of_a_stranger_allows_nothing(stack: Stack, service: Server) -> None:
    for origin in strangers(service.url):
        async with stack.http.options(service.url + HEARTBEAT, headers=preflight(origin)) as answer:
            assert_not_allowed(answer)
            assert answer.headers["Vary"] == "Origin"


async def test_what_is_no_preflight_is_a_method_that_is_not_there(stack: Stack, service: Server) -> None:
    async with stack.http.options(service.url + HEARTBEAT) as answer:
        await read_problem(answer, 405, "method_not_allowed")


async def test_answers_errors_and_streams_say_so(stack: Stack, service: Server, pool: str) -> None:
    async with person(service.url, pool) as someone:
        headers = someone.headers | {"Origin": ALLOWED}
        for path, status in (("/api/matching/status", 200), (EVENTS, 200), ("/api/nowhere", 404)):
            async with stack.http.get(service.url + path, headers=headers) as answer:
                assert answer.status == status
                assert_allowed(answer, ALLOWED)
        async with stack.http.get(service.url + EVENTS, headers={"Origin": ALLOWED}) as answer:
            assert_allowed(answer, ALLOWED)
            await read_problem(answer, 401, "unauthenticated")


async def test_a_stranger_sees_no_answer(stack: Stack, service: Server, pool: str) -> None:
    async with person(service.url, pool) as someone:
        for origin in strangers(service.url):
            for path in ("/api/matching/status", EVENTS, "/api/nowhere"):
                headers = someone.headers | {"Origin": origin}
                async with stack.http.get(service.url + path, headers=headers) as answer:
                    assert_not_allowed(answer)
                    assert answer.headers["Vary"] == "Origin"


async def test_only_allowed_pages_act_and_ask_by_cookie(stack: Stack, service: Server, pool: str) -> None:
    async with person(service.url, pool) as someone:
        cookie = {"Cookie": f"dormparty_session={someone.token}"}
        for method, path in (("POST", HEARTBEAT), ("GET", "/api/matching/status"), ("GET", EVENTS)):
            for origin in strangers(service.url):
                headers = cookie | {"Origin": origin}
                async with stack.http.request(method, service.url + path, headers=headers) as answer:
                    await read_problem(answer, 403, "forbidden_origin")
            headers = cookie | {"Origin": ALLOWED, "Sec-Fetch-Site": "cross-site"}
            async with stack.http.request(method, service.url + path, headers=headers) as answer:
                assert answer.status == 200


@pytest.mark.parametrize(("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200)])
async def test_without_an_origin_the_site_counts(
    stack: Stack, service: Server, pool: str, site: str, status: int
) -> None:
    async with person(service.url, pool) as someone:
        headers = {"Cookie": f"dormparty_session={someone.token}", "Sec-Fetch-Site": site}
        for method, path in (("POST", HEARTBEAT), ("GET", "/api/matching/status"), ("GET", EVENTS)):
            async with stack.http.request(method, service.url + path, headers=headers) as answer:
                assert answer.status == status


async def test_every_method_that_changes_something_is_checked(stack: Stack, service: Server) -> None:
    for method in ("POST", "DELETE", "PUT", "PATCH"):
        headers = {"Origin": "https://evil.example"}
        async with stack.http.request(
            method, f"{service.url}/api/admin/rooms/any", headers=headers
        ) as answer:
            await read_problem(answer, 403, "forbidden_origin")


async def test_pages_of_another_site_get_a_cookie_that_browsers_send(stack: Stack, service: Server) -> None:
    async with stack.http.post(f"{service.url}/api/session", headers={"Origin": ALLOWED}) as answer:
        cookie = answer.cookies["dormparty_session"]
        assert_allowed(answer, ALLOWED)
    assert (cookie["samesite"], cookie["secure"], cookie["httponly"]) == ("None", True, True)


async def test_without_the_setting_no_page_of_another_origin_is_welcome(stack: Stack) -> None:
    async with stack.http.options(stack.url + HEARTBEAT, headers=preflight(ALLOWED)) as answer:
        assert_not_allowed(answer)
