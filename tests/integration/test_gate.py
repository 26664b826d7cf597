"""The gate before new sessions: nobody without an answer, each answer once, and no gate unless one is set."""

import asyncio
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from dormparty_sse.dev.network import LOOPBACK, free_port
from dormparty_sse.dev.server import Server
from tests.conftest import NewPerson
from tests.support.gate import solution
from tests.support.problems import read_problem
from tests.support.stack import Stack

BITS = 6
GATE_SECRET = "what-the-provider-knows-the-service-by"


@pytest.fixture(scope="module")
async def gated(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A service that asks for a proof of work."""
    directory = tmp_path_factory.mktemp("gated")
    async with stack.another_service(directory, GATE="proof-of-work", GATE_DIFFICULTY=str(BITS)) as service:
        yield service


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


async def challenge_of(http: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    async with http.get(f"{url}/api/session/challenge") as answer:
        assert answer.status == 200
        found: dict[str, Any] = await answer.json()
        return found


async def passes(http: aiohttp.ClientSession, url: str, body: dict[str, str], pool: str = "main") -> bool:
    """Does one get a session with this? If not, a new challenge comes with the refusal."""
    async with http.post(f"{url}/api/session", json=body | {"pool": pool}) as answer:
        if answer.status == 201:
            return True
        problem = await read_problem(answer, 403, "challenge_failed")
        assert (problem["gate"], problem["difficulty"]) == ("proof-of-work", BITS)
        return False


async def test_without_a_gate_nothing_is_asked(stack: Stack, http: aiohttp.ClientSession) -> None:
    assert await challenge_of(http, stack.url) == {"gate": "off"}


async def test_nobody_gets_a_session_without_an_answer(gated: Server, http: aiohttp.ClientSession) -> None:
    for body in ({}, {"solution": "1"}, {"challenge": "x" * 64}, {"gateToken": "a token"}):
        async with http.post(f"{gated.url}/api/session", json=body) as answer:
            problem = await read_problem(answer, 403, "challenge_required")
            assert "Set-Cookie" not in answer.headers
        assert problem["gate"] == "proof-of-work"
        assert problem["difficulty"] == BITS
        assert problem["expiresAt"] > 0
        assert len(problem["challenge"]) == 64


async def test_a_solution_opens_the_gate_once(gated: Server, pool: str, http: aiohttp.ClientSession) -> None:
    solved = solution(await challenge_of(http, gated.url))
    assert await passes(http, gated.url, solved, pool)
    assert not await passes(http, gated.url, solved, pool)

    solved = solution(await challenge_of(http, gated.url))
    at_once = await asyncio.gather(*(passes(http, gated.url, solved, pool) for _ in range(20)))
    assert sorted(at_once) == [False] * 19 + [True]


async def test_what_a_refusal_brings_can_be_solved(
    gated: Server, pool: str, http: aiohttp.ClientSession
) -> None:
    async with http.post(f"{gated.url}/api/session", json={}) as answer:
        problem = await answer.json()
    assert await passes(http, gated.url, solution(problem), pool)


async def test_a_wrong_answer_is_refused(gated: Server, http: aiohttp.ClientSession) -> None:
    challenge = await challenge_of(http, gated.url)
    assert not await passes(http, gated.url, solution(challenge, right=False))
    raw = bytearray(urlsafe_b64decode(challenge["challenge"]))
    for place, value in ((8, 1), (0, raw[0] + 1), (20, raw[20] ^ 1), (47, raw[47] ^ 1)):
        forged = bytes(raw[:place]) + bytes([value]) + bytes(raw[place + 1 :])
        easier = {"challenge": urlsafe_b64encode(forged).decode(), "difficulty": min(BITS, forged[8])}
        assert not await passes(http, gated.url, solution(easier)), place
    for nonsense in ("", "x", "é" * 32, "?" * 64, "A" * 64):
        assert not await passes(http, gated.url, {"challenge": nonsense, "solution": "0"})
    for solved in (1, "x", "-1", "1" * 17, "\u0661"):
        body = {"challenge": challenge["challenge"], "solution": solved}
        async with http.post(f"{gated.url}/api/session", json=body) as answer:
            await read_problem(answer, 422, "invalid_request")
    assert await passes(http, gated.url, solution(challenge))  # all that spent nothing


async def test_a_challenge_lives_for_five_minutes(
    stack: Stack, gated: Server, http: aiohttp.ClientSession
) -> None:
    challenge = await challenge_of(http, gated.url)
    seconds, _ = await stack.redis.time()
    assert 290_000 < challenge["expiresAt"] - seconds * 1000 <= 301_000


async def test_who_has_a_session_passes(gated: Server, new_person: NewPerson) -> None:
    someone = await new_person()
    async with someone.http.post(f"{gated.url}/api/session", headers=someone.headers) as answer:
        assert answer.status == 200


async def test_an_older_secrets_challenges_are_taken(
    stack: Stack, gated: Server, pool: str, http: aiohttp.ClientSession, directory: Path
) -> None:
    secrets = f"a-newer-secret-of-the-tests-and-nothing-else,{stack.settings.session_secret}"
    async with stack.another_service(
        directory, SESSION_SECRET=secrets, GATE="proof-of-work", GATE_DIFFICULTY=str(BITS)
    ) as service:
        assert await passes(http, service.url, solution(await challenge_of(http, gated.url)), pool)
        assert not await passes(http, gated.url, solution(await challenge_of(http, service.url)), pool)


class Provider:
    """A third party's siteverify: it likes one token, and has its moods."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.answer: tuple[int, str] | None = None
        self.url = f"http://{LOOPBACK}:{free_port()}/siteverify"

    async def verify(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(form)
        if self.answer:
            return web.Response(status=self.answer[0], text=self.answer[1], content_type="application/json")
        good = form["secret"] == GATE_SECRET and form["response"] == "a person"
        return web.json_response({"success": good, "error-codes": [] if good else ["invalid-input-response"]})


@asynccontextmanager
async def provider_running(provider: Provider) -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_post("/siteverify", provider.verify)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, int(provider.url.split(":")[2].split("/")[0])).start()
    yield
    await runner.cleanup()


@pytest.fixture(scope="module", params=["turnstile", "hcaptcha"])
async def checked(
    request: pytest.FixtureRequest, stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Server, Provider]]:
    """A service that asks a third party."""
    provider = Provider()
    env = {
        "GATE": request.param,
        "GATE_SITE_KEY": "what-the-page-shows",
        "GATE_SECRET": GATE_SECRET,
        "GATE_VERIFY_URL": provider.url,
        "GATE_TIMEOUT_S": "1",
        "LOG_LEVEL": "DEBUG",
    }
    async with stack.another_service(tmp_path_factory.mktemp("checked"), **env) as service:
        yield service, provider
        assert service.log
        assert GATE_SECRET not in service.log.read_text()


async def test_a_third_party_decides(
    checked: tuple[Server, Provider], pool: str, http: aiohttp.ClientSession
) -> None:
    service, provider = checked
    url = f"{service.url}/api/session"
    challenge = await challenge_of(http, service.url)
    assert challenge["siteKey"] == "what-the-page-shows"
    async with provider_running(provider):
        async with http.post(url, json={}) as answer:
            problem = await read_problem(answer, 403, "challenge_required")
            assert (problem["gate"], problem["siteKey"]) == (challenge["gate"], challenge["siteKey"])
        assert provider.asked == []
        async with http.post(url, json={"gateToken": "a robot"}) as answer:
            await read_problem(answer, 403, "challenge_failed")
        async with http.post(url, json={"gateToken": "a person", "pool": pool}) as answer:
            assert answer.status == 201
    assert [asked["response"] for asked in provider.asked] == ["a robot", "a person"]
    assert {*provider.asked[0]} == {"secret", "response", "sitekey"}  # nobody's address


@pytest.mark.parametrize(
    "mood",
    [
        (500, "{}"),
        (200, "no JSON"),
        (200, "[]"),
        (200, "{}"),
        (302, '{"success": true}'),
        (200, json.dumps({"success": False, "error-codes": ["invalid-input-secret"]})),
        (200, json.dumps({"success": "yes"})),
    ],
)
async def test_a_third_party_that_makes_no_sense_lets_nobody_in(
    checked: tuple[Server, Provider], http: aiohttp.ClientSession, mood: tuple[int, str]
) -> None:
    service, provider = checked
    provider.answer = mood
    request = http.post(f"{service.url}/api/session", json={"gateToken": "a person"})
    async with provider_running(provider), request as answer:
        await read_problem(answer, 503, "unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    provider.answer = None


async def test_a_third_party_that_is_away_lets_nobody_in(
    checked: tuple[Server, Provider], http: aiohttp.ClientSession
) -> None:
    service, _ = checked
    async with http.post(f"{service.url}/api/session", json={"gateToken": "a person"}) as answer:
        await read_problem(answer, 503, "unavailable")
