"""Sessions: who gets one, what is taken as one, and what is not."""

import time
from http.cookies import Morsel
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest

from dormparty_sse.store.keys import POOLS
from tests.conftest import NewPerson
from tests.support.person import Person
from tests.support.problems import read_problem
from tests.support.raw import send_raw
from tests.support.routes import user_routes
from tests.support.stack import SECRET, Stack

#: The tests' secret is long enough for the service's own algorithm, not for all they forge with.
pytestmark = pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")

COOKIE = "dormparty_session"
USER_ROUTES = [pytest.param(*route, id=" ".join(route)) for route in user_routes()]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def by_cookie(token: str) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={token}"}


def signed(someone: Person, secret: str = SECRET, algorithm: str = "HS256", **changed: Any) -> str:
    """A session token as the service makes them, with some of it changed; None leaves a claim out."""
    now = int(time.time())
    claims = {
        "iss": "dormparty-sse",
        "sub": someone.user_id,
        "pool": someone.pool,
        "iat": now,
        "exp": now + 3600,
        **changed,
    }
    present = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(present, secret, algorithm=algorithm)


def bad_tokens(someone: Person) -> dict[str, str]:
    """Tokens that look like a session of this user and are none."""
    header, payload, signature = someone.token.split(".")
    flipped = ("B" if signature[0] != "B" else "C") + signature[1:]
    return {
        "expired": signed(someone, exp=int(time.time()) - 10),
        "without an end": signed(someone, exp=None),
        "without a user": signed(someone, sub=None),
        "of another secret": signed(someone, secret="some-other-secret-of-the-right-length"),
        "of another algorithm": signed(someone, algorithm="HS512"),
        "of algorithm none": jwt.encode({"sub": someone.user_id}, None, algorithm="none"),
        "with algorithm none and claims": signed(someone, secret="", algorithm="none"),
        "of another issuer": signed(someone, iss="somebody-else"),
        "with another signature": f"{header}.{payload}.{flipped}",
        "without a signature": f"{header}.{payload}.",
        "no token at all": "nonsense",
    }


async def open_session(http: aiohttp.ClientSession, url: str, **request: Any) -> tuple[int, dict[str, Any]]:
    async with http.post(url + "/api/session", **request) as answer:
        return answer.status, await answer.json()


async def session_cookie(http: aiohttp.ClientSession, url: str) -> Morsel[str]:
    async with http.post(url + "/api/session") as answer:
        assert answer.status == 201
        return answer.cookies[COOKIE]


async def test_a_first_visit_makes_a_user_and_a_second_one_finds_it(stack: Stack, pool: str) -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        status, first = await open_session(browser, stack.url, json={"pool": pool})
        assert status == 201
        assert first["pool"] == pool
        assert len(first["userId"]) >= 22  # 128 bits in base64
        assert first["expiresAt"] > time.time() * 1000
        assert (await stack.user(pool, first["userId"]))["state"] == "IDLE"

        status, second = await open_session(browser, stack.url, json={"pool": "another"})
    assert status == 200
    assert (second["userId"], second["pool"]) == (first["userId"], pool)


async def test_a_session_is_known_by_its_bearer_token_too(stack: Stack, new_person: NewPerson) -> None:
    someone = await new_person()
    status, again = await open_session(stack.http, stack.url, headers=bearer(someone.token))
    assert status == 200
    assert again["userId"] == someone.user_id


async def test_everybody_gets_another_user_id(stack: Stack, pool: str) -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        ids = [(await open_session(http, stack.url, json={"pool": pool}))[1]["userId"] for _ in range(20)]
    assert len(set(ids)) == 20


async def test_without_a_pool_it_is_the_main_one(stack: Stack) -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        status, session = await open_session(http, stack.url)
    assert (status, session["pool"]) == (201, "main")


async def test_where_pools_are_named_there_are_no_others(stack: Stack, pool: str, directory: Path) -> None:
    async with stack.another_service(directory, POOLS=f"{pool}, {pool}-2") as service:
        for name, status in ((pool, 201), (f"{pool}-2", 201), (f"{pool}-3", 422), (None, 422)):
            async with stack.http.post(f"{service.url}/api/session", json={"pool": name}) as answer:
                assert answer.status == status, name
                if status == 422:
                    problem = await read_problem(answer, 422, "invalid_request")
                    assert [error["field"] for error in problem["errors"]] == ["pool"]
    assert f"{pool}-3" not in await stack.redis.smembers(POOLS)


async def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(stack: Stack) -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        cookie = await session_cookie(http, stack.url)
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert int(cookie["max-age"]) > 0
    assert not cookie["secure"]  # the test speaks http, where a browser would drop it


async def test_the_cookie_is_secure_where_people_come_by_https(stack: Stack, directory: Path) -> None:
    async with (
        stack.another_service(directory, APP_URL="https://party.example") as service,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
    ):
        cookie = await session_cookie(http, service.url)
    assert cookie["secure"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


@pytest.mark.parametrize("credentials", [bearer, by_cookie])
async def test_a_session_is_taken_by_header_and_by_cookie(
    credentials: Any, stack: Stack, new_person: NewPerson
) -> None:
    someone = await new_person()
    url = stack.url + "/api/matching/enqueue"
    async with stack.http.post(url, headers=credentials(someone.token)) as answer:
        assert answer.status == 200
    assert await someone.state() == "WAITING"
    await someone.post("end")


@pytest.mark.parametrize(("method", "path"), USER_ROUTES)
async def test_nothing_works_without_a_session(method: str, path: str, stack: Stack) -> None:
    async with stack.http.request(method, stack.url + path) as answer:
        await read_problem(answer, 401, "unauthenticated")


@pytest.mark.parametrize(("method", "path"), USER_ROUTES)
async def test_no_forged_session_is_taken(
    method: str, path: str, stack: Stack, pool: str, new_person: NewPerson
) -> None:
    someone = await new_person()
    before = await stack.contents(pool)
    for kind, token in bad_tokens(someone).items():
        for headers in (bearer(token), by_cookie(token)):
            async with stack.http.request(method, stack.url + path, headers=headers) as answer:
                assert answer.status == 401, kind
                await read_problem(answer, 401, "unauthenticated")
    assert await stack.contents(pool) == before


async def test_the_tokens_that_the_tests_forge_would_be_taken_if_right(
    stack: Stack, new_person: NewPerson
) -> None:
    someone = await new_person()
    url = stack.url + "/api/matching/status"
    async with stack.http.get(url, headers=bearer(signed(someone))) as answer:
        assert answer.status == 200


async def test_a_token_whose_bytes_are_no_text_is_refused(stack: Stack) -> None:
    for path in ("/api/matching/status", "/api/matching/events"):
        for credentials in (b"Authorization: Bearer \xff\xfe", b"Cookie: dormparty_session=\xff\xfe"):
            status, problem = await send_raw(stack.url, f"GET {path}", credentials)
            assert (status, problem["code"]) == (401, "unauthenticated")


async def test_a_good_cookie_does_not_make_up_for_a_bad_header(stack: Stack, new_person: NewPerson) -> None:
    someone = await new_person()
    headers = bearer("nonsense") | by_cookie(someone.token)
    async with stack.http.get(stack.url + "/api/matching/status", headers=headers) as answer:
        await read_problem(answer, 401, "unauthenticated")


async def test_a_bad_cookie_is_replaced_by_a_new_session(
    stack: Stack, pool: str, new_person: NewPerson
) -> None:
    someone = await new_person()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        for kind, token in bad_tokens(someone).items():
            status, session = await open_session(
                http, stack.url, json={"pool": pool}, headers=by_cookie(token)
            )
            assert status == 201, kind
            assert session["userId"] != someone.user_id


async def test_a_session_that_has_run_out_is_replaced(stack: Stack, pool: str, directory: Path) -> None:
    async with (
        stack.another_service(directory, SESSION_TTL_S="1") as service,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
    ):
        _, session = await open_session(http, service.url, json={"pool": pool})
        assert session["expiresAt"] <= time.time() * 1000 + 1000
        status, another = 200, session
        while status == 200:  # by the service's clock, which need not be this one
            assert time.time() * 1000 < session["expiresAt"] + 1000
            status, another = await open_session(
                http, service.url, json={"pool": pool}, headers=bearer(session["token"])
            )
    assert status == 201
    assert time.time() * 1000 > session["expiresAt"] - 1000
    assert another["userId"] != session["userId"]


@pytest.mark.parametrize(("method", "path"), USER_ROUTES)
async def test_nobody_speaks_for_another_user(
    method: str, path: str, stack: Stack, pool: str, new_person: NewPerson
) -> None:
    someone, other = await new_person(), await new_person()
    before = await stack.contents(pool)
    right = {"roomName": "any", "sessionId": "any", "reason": "spam"}
    requests: list[dict[str, Any]] = [{"params": {"userId": other.user_id}}]
    if method == "POST":
        requests.append({"json": {"userId": other.user_id, **right}})
    for request in requests:
        # a body that is otherwise right, so that the userId is all there is to refuse
        if method == "POST" and "json" not in request:
            request["json"] = right
        url = stack.url + path
        async with stack.http.request(method, url, headers=someone.headers, **request) as answer:
            await read_problem(answer, 403, "user_mismatch")
    assert await stack.contents(pool) == before


async def test_ones_own_user_id_may_be_named(stack: Stack, new_person: NewPerson) -> None:
    someone = await new_person()
    mine = {"userId": someone.user_id}
    assert (await someone.post("heartbeat", **mine))["state"] == "IDLE"
    assert (await someone.get("status", **mine))["state"] == "IDLE"
    url = stack.url + "/api/sse"
    async with stack.http.get(url, params=mine, headers=someone.headers) as answer:
        assert answer.status == 200
