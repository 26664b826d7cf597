"""Signing out: every token the user has is void, everywhere and for good, and what it was in ends."""

import time
from pathlib import Path

import aiohttp
import jwt
import pytest

from dormparty_sse.dev.network import answers_200
from dormparty_sse.domain.clock import Clock
from dormparty_sse.domain.models import UserRef
from dormparty_sse.domain.names import new_id
from dormparty_sse.store.keys import pool_key
from dormparty_sse.web.sessions import SESSION_COOKIE, SessionTokens
from tests.conftest import NewPerson
from tests.support.calls import meet
from tests.support.person import Person
from tests.support.problems import read_problem
from tests.support.proxy import proxy
from tests.support.stack import SECRET, Stack, running_stack
from tests.support.waiting import eventually


async def sign_out(someone: Person) -> None:
    async with someone.http.delete(f"{someone.base_url}/api/session", headers=someone.headers) as answer:
        assert answer.status == 204
        cleared = answer.cookies[SESSION_COOKIE]
        assert (cleared.value, cleared["max-age"]) == ("", "0")


def tokens_of(someone: Person) -> list[str]:
    """The token it came with, and one renewed since."""
    user = UserRef(user_id=someone.user_id, pool=someone.pool)
    return [someone.token, SessionTokens([SECRET], Clock(), ttl_s=1000).sign(user, new_id()).token]


async def is_refused(http: aiohttp.ClientSession, url: str, token: str) -> None:
    for path in ("status", "events"):
        headers = {"Authorization": f"Bearer {token}"}
        async with http.get(f"{url}/api/matching/{path}", headers=headers) as answer:
            await read_problem(answer, 401, "unauthenticated")


async def test_every_token_is_void_in_every_process(
    stack: Stack, new_person: NewPerson, directory: Path
) -> None:
    someone, other = await new_person(), await new_person()
    tokens = tokens_of(someone)
    async with stack.another_service(directory) as service:
        for url in (stack.url, service.url):
            for token in tokens:
                headers = {"Authorization": f"Bearer {token}"}
                async with stack.http.get(f"{url}/api/matching/status", headers=headers) as answer:
                    assert answer.status == 200
        await sign_out(someone)
        for url in (stack.url, service.url):
            for token in tokens:
                await is_refused(stack.http, url, token)
    assert await other.state() == "IDLE"
    async with stack.http.delete(f"{stack.url}/api/session", headers=someone.headers) as answer:
        await read_problem(answer, 401, "unauthenticated")
    async with stack.http.post(f"{stack.url}/api/session", headers=someone.headers) as answer:
        assert answer.status == 201
        assert (await answer.json())["userId"] != someone.user_id


async def test_it_holds_after_a_restart(directory: Path) -> None:
    async with running_stack(directory) as stack:
        async with stack.http.post(f"{stack.url}/api/session") as answer:
            someone = Person(stack.http, stack.url, await answer.json())
        await sign_out(someone)
        await stack.service.restart()
        await stack.redis_server.restart()
        port = stack.settings.port
        await eventually(lambda: answers_200(port, "/readyz"), what="Redis")
        await is_refused(stack.http, stack.url, someone.token)


async def test_it_is_remembered_for_as_long_as_a_token_lives(
    stack: Stack, pool: str, new_person: NewPerson
) -> None:
    someone = await new_person()
    await sign_out(someone)
    left_ms = await stack.redis.pttl(pool_key(pool, "signed_out", someone.user_id))
    lifetime_ms = (
        jwt.decode(someone.token, options={"verify_signature": False})["exp"] * 1000 - time.time() * 1000
    )
    assert lifetime_ms < left_ms <= 86_400_000 + 60_000


async def test_a_token_renewed_at_that_very_moment_is_void_too(
    stack: Stack, pool: str, new_person: NewPerson
) -> None:
    someone = await new_person()
    await sign_out(someone)
    at = int(await stack.redis.get(pool_key(pool, "signed_out", someone.user_id)) or 0)
    for ms in (-1, 0, 1, 2_000):
        made_s = (at + ms) / 1000
        clock = Clock(wall=lambda made_s=made_s: made_s)  # type: ignore[misc]  # bound for this round
        user = UserRef(user_id=someone.user_id, pool=pool)
        await is_refused(
            stack.http, stack.url, SessionTokens([SECRET], clock, ttl_s=1000).sign(user, new_id()).token
        )


async def test_a_place_in_line_is_given_up(stack: Stack, pool: str, new_person: NewPerson) -> None:
    someone = await new_person()
    await someone.post("enqueue")
    await sign_out(someone)
    assert await stack.queue(pool) == []
    assert (await stack.user(pool, someone.user_id))["state"] == "IDLE"


async def test_a_call_ends_as_by_leaving_and_the_stream_with_it(
    stack: Stack, pool: str, new_person: NewPerson
) -> None:
    leaves, partner = await new_person(), await new_person()
    await meet(leaves, partner)
    await sign_out(leaves)
    assert (await partner.event("force-disconnect"))["reason"] == "partner-left"

    async def ended() -> bool:
        return not leaves.listening

    await eventually(ended, what="the end of the stream")
    await leaves.leave_room()
    await partner.leave_room()
    await partner.becomes("WAITING")
    await partner.post("end")

    async def at_home() -> bool:
        return (await stack.user(pool, leaves.user_id))["state"] == "IDLE"

    await eventually(at_home, what="the one who has signed out at home")


async def test_a_foreign_page_cannot_sign_anybody_out(stack: Stack, new_person: NewPerson) -> None:
    someone = await new_person()
    headers = {"Cookie": f"{SESSION_COOKIE}={someone.token}", "Origin": "https://evil.example"}
    async with stack.http.delete(f"{stack.url}/api/session", headers=headers) as answer:
        await read_problem(answer, 403, "forbidden_origin")
    assert await someone.state() == "IDLE"


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/matching/status"), ("DELETE", "/api/session")])
async def test_while_redis_is_away_nobody_knows(method: str, path: str, directory: Path) -> None:
    async with proxy() as way, running_stack(directory, way, REDIS_COMMAND_TIMEOUT="0.5") as stack:
        async with stack.http.post(f"{stack.url}/api/session") as answer:
            someone = Person(stack.http, stack.url, await answer.json())
        await way.shut()

        async def unavailable() -> bool:
            async with stack.http.request(method, stack.url + path, headers=someone.headers) as answer:
                assert answer.status in (200, 503)
                return answer.status == 503

        await eventually(unavailable, what="503")
