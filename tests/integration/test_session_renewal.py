"""Sessions that go on: a fresh token in time, or once another secret signs; and the device they keep."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest

from dormparty_sse.dev.server import Server
from dormparty_sse.web.cookies import DEVICE_COOKIE
from dormparty_sse.web.sessions import SESSION_COOKIE
from tests.support.stack import SECRET, Stack

NEWER = "a-newer-secret-of-the-tests-and-nothing-else"
TTL_S = 4


@pytest.fixture(scope="module")
async def rotating(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A service that signs with another secret, and takes the old one's tokens."""
    directory = tmp_path_factory.mktemp("rotating")
    secrets = f"{NEWER}, {SECRET}"
    async with stack.another_service(
        directory, SESSION_SECRET=secrets, TRUSTED_PROXIES="127.0.0.1"
    ) as service:
        yield service


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


async def ask(
    http: aiohttp.ClientSession, url: str, pool: str = "main", **headers: str
) -> tuple[int, dict[str, Any], aiohttp.ClientResponse]:
    async with http.post(f"{url}/api/session", json={"pool": pool}, headers=headers) as answer:
        return answer.status, await answer.json(), answer


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_session_that_is_young_is_not_renewed(
    stack: Stack, pool: str, http: aiohttp.ClientSession
) -> None:
    _, first, _ = await ask(http, stack.url, pool)
    assert 43_100 < first["renewAfterSeconds"] <= 43_201  # half a day
    status, second, _ = await ask(http, stack.url, **bearer(first["token"]))
    assert (status, second["token"]) == (200, first["token"])
    cookie = {"Cookie": f"{SESSION_COOKIE}={first['token']}"}
    async with http.get(f"{stack.url}/api/matching/status", headers=cookie) as answer:
        assert answer.status == 200
        assert not answer.cookies


async def test_whoever_asks_with_an_older_secrets_token_gets_a_newer_ones(
    stack: Stack, rotating: Server, pool: str, http: aiohttp.ClientSession
) -> None:
    _, old, _ = await ask(http, stack.url, pool)
    status, new, answer = await ask(http, rotating.url, **bearer(old["token"]))
    assert status == 200
    assert new["userId"] == old["userId"]
    assert claims(new["token"])["dev"] == claims(old["token"])["dev"]
    jwt.decode(new["token"], NEWER, algorithms=["HS256"], options={"verify_iat": False})
    assert answer.cookies[SESSION_COOKIE].value == new["token"]
    for token in (old["token"], new["token"]):
        async with http.get(f"{rotating.url}/api/matching/status", headers=bearer(token)) as told:
            assert told.status == 200
    async with http.get(f"{stack.url}/api/matching/status", headers=bearer(new["token"])) as told:
        assert told.status == 401  # here that secret is unknown


@pytest.mark.parametrize("way", [{}, {"X-Forwarded-For": "192.0.2.1"}], ids=["directly", "by a proxy"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/matching/status"),
        ("POST", "/api/matching/heartbeat"),
        ("GET", "/api/matching/events"),
        ("GET", "/api/matching/events?poll=1"),
    ],
)
async def test_a_browsers_cookie_is_renewed_with_any_answer(
    stack: Stack,
    rotating: Server,
    pool: str,
    http: aiohttp.ClientSession,
    method: str,
    path: str,
    way: dict[str, str],
) -> None:
    _, old, _ = await ask(http, stack.url, pool)
    cookie = {"Cookie": f"{SESSION_COOKIE}={old['token']}"}
    async with http.request(method, rotating.url + path, headers=cookie | way) as answer:
        assert answer.status == 200
        renewed = answer.cookies[SESSION_COOKIE]
        assert answer.cookies[DEVICE_COOKIE].value == claims(old["token"])["dev"]
    assert renewed["httponly"]
    assert claims(renewed.value)["sub"] == old["userId"]
    async with http.request(method, rotating.url + path, headers=bearer(old["token"]) | way) as answer:
        assert not answer.cookies  # whoever brings the token has no use for one


async def test_a_session_outlives_its_first_token(
    stack: Stack, pool: str, directory: Path, http: aiohttp.ClientSession
) -> None:
    async with stack.another_service(directory, SESSION_TTL_S=str(TTL_S)) as service:
        _, first, _ = await ask(http, service.url, pool)
        session = first
        while time.time() * 1000 <= first["expiresAt"]:
            status, session, _ = await ask(http, service.url, **bearer(session["token"]))
            assert (status, session["userId"]) == (200, first["userId"])
            await asyncio.sleep(0.1)  # a client asks from time to time
        assert session["token"] != first["token"]
        async with http.get(f"{service.url}/api/matching/status", headers=bearer(session["token"])) as answer:
            assert answer.status == 200


async def test_a_device_outlives_its_sessions(stack: Stack, pool: str, http: aiohttp.ClientSession) -> None:
    _, first, answer = await ask(http, stack.url, pool)
    cookie = answer.cookies[DEVICE_COOKIE]
    assert len(cookie.value) >= 22  # 128 bits
    assert (cookie["samesite"], cookie["path"], cookie["max-age"]) == ("Lax", "/", str(365 * 86_400))
    assert cookie["httponly"]
    assert claims(first["token"])["dev"] == cookie.value
    assert (await stack.user(pool, first["userId"]))["device"] == cookie.value

    status, second, again = await ask(http, stack.url, pool, Cookie=f"{DEVICE_COOKIE}={cookie.value}")
    assert status == 201
    assert second["userId"] != first["userId"]
    assert again.cookies[DEVICE_COOKIE].value == claims(second["token"])["dev"] == cookie.value


async def test_a_session_keeps_the_device_it_was_made_with(
    stack: Stack, pool: str, http: aiohttp.ClientSession
) -> None:
    _, first, _ = await ask(http, stack.url, pool)
    other = {"Cookie": f"{DEVICE_COOKIE}={'x' * 24}", **bearer(first["token"])}
    _, second, answer = await ask(http, stack.url, **other)
    assert claims(second["token"])["dev"] == claims(first["token"])["dev"]
    assert answer.cookies[DEVICE_COOKIE].value == claims(first["token"])["dev"]


@pytest.mark.parametrize("device", ["", "short", "x" * 65, "a b" * 10, "{main}:user:x" * 2, "é" * 24])
async def test_a_device_that_is_not_sane_is_replaced(
    stack: Stack, pool: str, http: aiohttp.ClientSession, device: str
) -> None:
    _, session, _ = await ask(http, stack.url, pool, Cookie=f"{DEVICE_COOKIE}={device}")
    assert claims(session["token"])["dev"] != device
    assert len(claims(session["token"])["dev"]) == 24
