"""Whatever happens, no secret, token, cookie or address is logged, at any level; nor is a secret answered."""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from dormparty_sse.web.cookies import DEVICE_COOKIE
from dormparty_sse.web.sessions import SESSION_COOKIE
from tests.support.calls import meet
from tests.support.gate import solution
from tests.support.logs import TOKEN_START, log_lines
from tests.support.person import Person
from tests.support.proxy import proxy
from tests.support.raw import send_raw
from tests.support.routes import admin_routes, user_routes
from tests.support.stack import KEY, Stack, running_stack
from tests.support.waiting import eventually

ADDRESS = "203.0.113.77"  # as a proxy tells of it
SENDER = "127.0.0.77"  # of a connection itself
SECRETS = {
    "SESSION_SECRET": f"{secrets.token_urlsafe(32)},{secrets.token_urlsafe(32)}",
    "ADMIN_TOKEN": secrets.token_urlsafe(32),
    "LIVEKIT_WEBHOOK_SECRET": secrets.token_urlsafe(32),
    "GATE_SECRET": secrets.token_urlsafe(32),
}
REDIS_PASSWORD = secrets.token_urlsafe(16)
WORDS = secrets.token_urlsafe(16)  # what people write themselves
FIELDS = (
    "sessionId",
    "roomName",
    "reason",
    "details",
    "gateToken",
    "challenge",
    "solution",
    "pool",
    "userId",
)


class Everything:
    """Does what can be done, and notes what must not be seen."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.http = stack.http
        self.url = stack.url
        self.seen: set[str] = set()  #: Tokens, cookies, challenges: none may be logged.
        self.answers: list[str] = []

    async def ask(self, method: str, path: str, **request: Any) -> Any:
        """An answer's JSON, or None; streams are closed at once."""
        async with self.http.request(method, self.url + path, **request) as answer:
            self.seen |= {cookie.value for cookie in answer.cookies.values() if cookie.value}
            if answer.content_type == "text/event-stream":
                return None
            self.answers.append(await answer.text())
            return await answer.json() if "json" in answer.content_type else None

    async def new_person(self) -> Person:
        """Somebody who has passed the gate."""
        challenge = await self.ask("GET", "/api/session/challenge", headers={"X-Forwarded-For": ADDRESS})
        solved = solution(challenge)
        await self.ask("POST", "/api/session", json=solution(challenge, right=False))
        session = await self.ask("POST", "/api/session", json=solved)
        await self.ask("POST", "/api/session", json=solved)
        self.seen |= {challenge["challenge"], session["token"]}
        return Person(self.http, self.url, session)

    async def every_route(self, someone: Person) -> None:
        """With every kind of credentials, right and wrong, and bodies that make no sense."""
        forged = jwt.encode({"sub": someone.user_id}, secrets.token_urlsafe(32), algorithm="HS256")
        admin = {"Authorization": f"Bearer {SECRETS['ADMIN_TOKEN']}"}
        cookies = {"Cookie": f"{SESSION_COOKIE}={someone.token}; {DEVICE_COOKIE}={secrets.token_urlsafe(18)}"}
        self.seen |= {forged}
        for method, path in [*user_routes(), *admin_routes(), ("GET", "/api/sync-room-states")]:
            if path.endswith("/cleanup"):
                continue
            place = path.replace("{id}", someone.user_id).replace("{name}", "nowhere")
            for headers in ({"Authorization": f"Bearer {forged}"}, cookies, admin):
                forwarded = headers | {"X-Forwarded-For": ADDRESS, "X-Real-IP": ADDRESS}
                query = {"token": someone.token, "sessionId": someone.token[:100]}
                await self.ask(method, place, headers=forwarded, params=query, data=someone.token)

    async def own_words(self, someone: Person) -> None:
        """Every route that people may ask, with their own words wherever it takes some."""
        for method, path in user_routes():
            bodies: list[dict[str, Any]] = [{name: WORDS} for name in FIELDS]
            for body in (*bodies, {"interests": [WORDS], WORDS: WORDS}, dict.fromkeys(FIELDS, WORDS)):
                await self.ask(method, path, headers=someone.headers, json=body)
                await self.ask(method, path, headers=someone.headers, params={"last_event_id": WORDS, **body})

    async def bad_requests(self, someone: Person) -> None:
        """What no proper client sends."""
        token = someone.token.encode()
        for line, headers, body in (
            ("GET /api/matching/status", [b"Authorization: Bearer " + token + b"\xff"], b""),
            ("GET /" + someone.token, [b"Cookie: dormparty_session=" + token], b""),
            ("POST /api/session", [b"Content-Length: 3", b"Content-Encoding: gzip"], b"abc"),
            ("BAD\x00 /" + someone.token, [], b""),
            ("GET /api/matching/status", [b"Authorization " + token], b""),
            ("GET /api/matching/status", [b"Cookie: " + token * 200], b""),
            ("POST /api/session", [b"Transfer-Encoding: chunked"], token),
            ("POST /api/livekit/webhooks", [b"Authorization: " + token, b"Content-Length: 2"], b"{}"),
        ):
            try:
                _, answer = await send_raw(self.url, line, *headers, body=body, sender=SENDER)
            except (IndexError, ConnectionError, ValueError, TimeoutError):  # no HTTP came back
                continue
            self.answers.append(str(answer))

    async def call(self, a: Person, b: Person) -> None:
        """Two meet, by tokens that LiveKit takes; one reports the other, and signs out."""
        await a.post("enqueue", interests=[WORDS])
        match = await meet(a, b)
        await a.post("report", sessionId=match["sessionId"], reason="other", details=WORDS)
        self.seen |= {match["token"], *(event["token"] for event in a.events + b.events if "token" in event)}
        await self.ask("DELETE", "/api/session", headers=a.headers)
        await self.ask("GET", "/api/matching/status", headers=a.headers)
        for someone in (a, b):
            await someone.close()


@pytest.fixture
async def everything(directory: Path) -> AsyncIterator[tuple[Everything, Any]]:
    async with proxy() as way:

        class WithPassword:
            """The way to Redis, whose user without a password takes any."""

            open = way.open

            @property
            def redis_url(self) -> str:
                return way.redis_url.replace("redis://", f"redis://default:{REDIS_PASSWORD}@")

        env = SECRETS | {
            "LOG_LEVEL": "DEBUG",
            "TRUSTED_PROXIES": "127.0.0.1",
            "GATE": "proof-of-work",
            "GATE_DIFFICULTY": "4",
            "REDIS_COMMAND_TIMEOUT": "0.5",
        }
        async with running_stack(directory, WithPassword(), **env) as stack:  # type: ignore[arg-type]  # as a proxy
            yield Everything(stack), way


async def test_nothing_secret_is_logged_or_answered(everything: tuple[Everything, Any]) -> None:
    doing, way = everything
    a, b = await doing.new_person(), await doing.new_person()
    await doing.every_route(a)
    await doing.own_words(a)
    await doing.bad_requests(a)
    await a.post("end")
    await doing.call(a, b)

    c = await doing.new_person()
    await way.shut()

    async def away() -> bool:
        async with doing.http.get(f"{doing.url}/api/matching/status", headers=c.headers) as answer:
            return answer.status == 503

    await eventually(away, what="503")
    await doing.every_route(c)
    await doing.stack.service.terminate()

    log = doing.stack.service_log
    assert len(log_lines(log)) > 200
    assert {"debug", "info", "warning"} <= {line["level"] for line in log_lines(log)}
    hidden = {KEY.secret, REDIS_PASSWORD, *",".join(SECRETS.values()).split(",")}
    private = {
        *hidden,
        *doing.seen,
        WORDS,
        ADDRESS,
        SENDER,
        TOKEN_START,
        f"{SESSION_COOKIE}=",
        f"{DEVICE_COOKIE}=",
    }
    assert len(private) > 20
    for word in private:
        assert word not in log, [line for line in log.splitlines() if word in line][:3]
    for word in hidden:
        assert not any(word in answer for answer in doing.answers)
