"""Whoever asks too often is refused for a while, by itself or with all others at its address."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import aiohttp
import pytest

from dormparty_sse.dev.server import Server
from dormparty_sse.limits_table import RateLimitTable
from tests.support.asking import asking_from
from tests.support.logs import assert_nothing_crashed
from tests.support.problems import read_problem
from tests.support.stack import SECRET, Stack
from tests.support.waiting import eventually
from tests.support.webhooks import deliver

_GENEROUS = dict.fromkeys(RateLimitTable.model_fields, "1000/second")
_TABLE = {
    "new_session_address": "30/minute",
    "actions_user": "4/minute",
    "actions_address": "6/minute",
    "safety_user": "3/hour",
    "questions_user": "3/3 seconds",
    "streams_user": "2/minute",
    "pages_address": "5/minute",
    "admin_address": "50/minute",
    "admin_login_address": "3/minute",
    "operators_address": "3/minute",
}
ADMIN = {"Authorization": f"Bearer {SECRET}"}
WRONG = {"Authorization": "Bearer not-the-admin-token"}
_numbers = count(10)


def limited(**table: str) -> str:
    """RATE_LIMITS with these, and all others out of reach."""
    return json.dumps(_GENEROUS | table)


@pytest.fixture(scope="module")
async def service(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A service with limits that are soon reached. Each test asks from addresses of its own."""
    directory = tmp_path_factory.mktemp("limited")
    limits = limited(**_TABLE)
    env = {"RATE_LIMITS": limits, "STREAMS_PER_ADDRESS": "2", "TRUSTED_PROXIES": "127.0.0.2"}
    async with stack.another_service(directory, **env) as running:
        yield running
    assert running.log
    assert_nothing_crashed(running.log.read_text())


@pytest.fixture
def address() -> str:
    """One that nobody else asks from."""
    return f"127.0.7.{next(_numbers)}"


class Asker:
    """Somebody with a session, at an address."""

    def __init__(self, http: aiohttp.ClientSession, url: str, session: dict[str, str]) -> None:
        self.http = http
        self.url = url
        self.headers = {"Authorization": f"Bearer {session['token']}"}
        self.session = session

    async def ask(self, path: str, method: str = "POST") -> int:
        async with self.http.request(method, self.url + path, headers=self.headers) as answer:
            await answer.read()
            return answer.status

    async def statuses(self, number: int, path: str, method: str = "POST") -> list[int]:
        """Those of so many requests, one after the other."""
        return [await self.ask(path, method) for _ in range(number)]


@asynccontextmanager
async def asker(url: str, address: str, **forwarded: str) -> AsyncIterator[Asker]:
    async with asking_from(address) as http:
        async with http.post(f"{url}/api/session", headers=forwarded) as answer:
            assert answer.status == 201, await answer.text()
            someone = Asker(http, url, await answer.json())
        someone.headers |= forwarded
        yield someone


HEARTBEAT, STATUS, EVENTS = "/api/matching/heartbeat", "/api/matching/status", "/api/matching/events"


async def test_a_user_is_refused_beyond_its_limit_and_told_when_to_come_back(
    service: Server, address: str
) -> None:
    async with asker(service.url, address) as someone:
        for remaining in (3, 2, 1, 0):
            async with someone.http.post(service.url + HEARTBEAT, headers=someone.headers) as answer:
                assert answer.status == 200
                policy, state = answer.headers["RateLimit-Policy"], answer.headers["RateLimit"]
            assert policy == '"actions_user";q=4;w=60, "actions_address";q=6;w=60'
            pattern = rf'"actions_user";r={remaining};t=(\d+), "actions_address";r={remaining + 2};t=(\d+)'
            told = re.fullmatch(pattern, state)
            assert told, state
            assert 1 <= int(told[1]) <= 60
        async with someone.http.post(service.url + HEARTBEAT, headers=someone.headers) as answer:
            problem = await read_problem(answer, 429, "rate_limited")
            assert 1 <= int(answer.headers["Retry-After"]) <= 60
            assert answer.headers["RateLimit-Policy"] == '"actions_user";q=4;w=60'
            assert answer.headers["RateLimit"] == f'"actions_user";r=0;t={answer.headers["Retry-After"]}'
        assert "RateLimit" not in problem
        assert await someone.ask(STATUS, "GET") == 200  # a limit of its own


async def test_what_a_user_is_refused_is_not_counted_for_others_at_the_address(
    service: Server, address: str
) -> None:
    async with asker(service.url, address) as floods, asker(service.url, address) as other:
        assert await floods.statuses(20, HEARTBEAT) == [200] * 4 + [429] * 16
        assert await other.statuses(3, HEARTBEAT) == [200, 200, 429]  # the address's limit is 6
        async with asker(service.url, f"127.0.8.{address.rpartition('.')[2]}") as elsewhere:
            assert await elsewhere.statuses(4, HEARTBEAT) == [200] * 4


async def test_the_user_is_counted_wherever_it_asks_from(service: Server, address: str) -> None:
    async with asker(service.url, address) as someone, asking_from("127.0.9.9") as http:
        assert await someone.statuses(4, HEARTBEAT) == [200] * 4
        async with http.post(service.url + HEARTBEAT, headers=someone.headers) as answer:
            assert answer.status == 429


async def test_the_window_slides(service: Server, address: str) -> None:
    async with asker(service.url, address) as someone:
        assert await someone.statuses(4, STATUS, "GET") == [200] * 3 + [429]
        async with someone.http.get(service.url + STATUS, headers=someone.headers) as answer:
            retry_after_s = int(answer.headers["Retry-After"])
        assert 1 <= retry_after_s <= 3
        await asyncio.sleep(retry_after_s)  # as a client does
        assert await someone.ask(STATUS, "GET") == 200
        assert 429 in await someone.statuses(3, STATUS, "GET")  # what was asked before still counts


async def test_sessions_are_limited_by_address_and_nobody_is_kept_from_renewing(
    service: Server, address: str
) -> None:
    async with asker(service.url, address) as someone:

        async def new_session() -> int:
            async with someone.http.post(f"{service.url}/api/session") as answer:
                return answer.status

        statuses = [await new_session() for _ in range(31)]
        assert statuses == [201] * 29 + [429] * 2
        assert await someone.ask("/api/session") == 200


async def test_a_token_that_was_signed_out_is_no_way_round_that(service: Server, address: str) -> None:
    async with asker(service.url, address) as someone:
        assert await someone.ask("/api/session", "DELETE") == 204
        assert await someone.statuses(30, "/api/session") == [201] * 29 + [429]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nonsense"}])
async def test_who_has_no_session_is_counted_by_address(
    headers: dict[str, str], service: Server, address: str
) -> None:
    async with asking_from(address) as http:
        statuses = []
        for _ in range(7):
            async with http.post(service.url + HEARTBEAT, headers=headers) as answer:
                statuses.append(answer.status)
    assert statuses == [401] * 6 + [429]


async def test_what_there_is_not_is_limited_with_the_page(service: Server, address: str) -> None:
    async with asker(service.url, address) as someone:
        paths = ["/", "/nothing", "/", "/static/nothing", "/", "/"]
        assert [await someone.ask(path, "GET") for path in paths] == [200, 404, 200, 404, 200, 429]


async def test_blocks_and_reports_are_limited_by_themselves(service: Server, address: str) -> None:
    async with asker(service.url, address) as someone:
        paths = [f"/api/matching/{action}" for action in ("block", "report", "block", "report")]
        statuses = [await someone.ask(path) for path in paths]
        assert statuses == [422, 422, 422, 429]  # bad ones count too
        assert await someone.ask(HEARTBEAT) == 200


async def test_streams_opened_are_limited_by_user(service: Server, address: str) -> None:
    async with asker(service.url, address) as someone:
        poll = f"{EVENTS}?poll=1"
        assert await someone.statuses(3, poll, "GET") == [200, 200, 429]


async def test_a_stream_tells_where_the_limits_stand(service: Server, address: str) -> None:
    async with asker(service.url, address) as someone, opened(someone) as answer:
        assert answer.headers["RateLimit"].startswith('"streams_user";r=1;')


@asynccontextmanager
async def opened(someone: Asker) -> AsyncIterator[aiohttp.ClientResponse]:
    async with someone.http.get(someone.url + EVENTS, headers=someone.headers) as answer:
        if answer.status == 200:
            await answer.content.readline()
        yield answer


async def test_only_so_many_streams_are_open_at_once_from_one_address(service: Server, address: str) -> None:
    async with (
        asker(service.url, address) as a,
        asker(service.url, address) as b,
        asker(service.url, address) as c,
        asker(service.url, f"127.0.8.{address.rpartition('.')[2]}") as elsewhere,
        opened(a) as first,
        opened(b) as second,
        opened(elsewhere) as other,
    ):
        assert [answer.status for answer in (first, second, other)] == [200] * 3
        async with opened(c) as third:
            await read_problem(third, 429, "rate_limited")
            assert third.headers["Retry-After"] == "10"
        first.close()

        async def admitted() -> bool:
            d = Asker(c.http, service.url, await new_session(c.http, service.url))
            async with opened(d) as answer:
                return answer.status == 200

        await eventually(admitted, what="a place for another stream")


async def new_session(http: aiohttp.ClientSession, url: str) -> dict[str, str]:
    async with http.post(f"{url}/api/session") as answer:
        session: dict[str, str] = await answer.json()
        return session


async def test_polls_and_refused_streams_give_their_places_back(service: Server, address: str) -> None:
    async with asker(service.url, address) as someone:
        for _ in range(4):  # twice as many as there may be at once
            again = Asker(someone.http, service.url, await new_session(someone.http, service.url))
            assert await again.ask(f"{EVENTS}?poll=1", "GET") == 200
        another = Asker(someone.http, service.url, await new_session(someone.http, service.url))
        async with opened(another) as answer:
            assert answer.status == 200


async def test_wrong_admin_tokens_are_limited_and_the_right_one_is_not(service: Server, address: str) -> None:
    async with asking_from(address) as http:

        async def overview(headers: dict[str, str]) -> int:
            async with http.get(f"{service.url}/api/admin/overview", headers=headers) as answer:
                if answer.status == 429:
                    await read_problem(answer, 429, "rate_limited")
                    assert '"admin_login_address";q=3;w=60' in answer.headers["RateLimit-Policy"]
                    assert int(answer.headers["Retry-After"]) >= 1
                return answer.status

        assert [await overview(ADMIN) for _ in range(5)] == [200] * 5
        assert [await overview(WRONG) for _ in range(5)] == [403] * 3 + [429] * 2
        assert await overview(ADMIN) == 200
        async with http.post(f"{service.url}/api/sync-room-states", headers=WRONG) as answer:
            assert answer.status == 429  # there is one count for all that needs the token


async def test_webhooks_and_healthz_have_no_limit_and_readyz_has(
    stack: Stack, service: Server, address: str
) -> None:
    async with asking_from(address) as http:

        async def statuses(path: str, number: int) -> list[int]:
            found = []
            for _ in range(number):
                async with http.get(service.url + path) as answer:
                    found.append(answer.status)
                    if path == "/healthz":
                        assert "RateLimit" not in answer.headers
            return found

        assert set(await statuses("/healthz", 40)) == {200}
        assert await statuses("/readyz", 2) == [200] * 2
        assert await statuses("/metrics", 2) == [200, 429]
        webhook = {"event": "unknown", "id": "one", "createdAt": str(int(time.time()))}
        await deliver(replace(stack, url=service.url, http=http), *[webhook] * 40)


async def test_behind_a_trusted_proxy_everybody_is_counted_alone(service: Server) -> None:
    forwarded = [{"X-Forwarded-For": f"192.0.2.{number}"} for number in (1, 2)]
    async with asking_from("127.0.0.2") as http:

        async def statuses(headers: dict[str, str]) -> list[int]:
            found = []
            for _ in range(7):
                async with http.post(service.url + HEARTBEAT, headers=headers) as answer:
                    assert answer.headers["RateLimit-Policy"] == '"actions_address";q=6;w=60'
                    found.append(answer.status)
            return found

        for headers in forwarded:
            assert await statuses(headers) == [401] * 6 + [429]


async def test_ipv6_is_counted_by_its_network(service: Server) -> None:
    async with asking_from("127.0.0.2") as http:

        async def status(address: str) -> int:
            headers = {"X-Forwarded-For": address}
            async with http.post(service.url + HEARTBEAT, headers=headers) as answer:
                return answer.status

        assert [await status(f"2001:db8:0:1::{number}") for number in range(7)] == [401] * 6 + [429]
        assert await status("2001:db8:0:2::1") == 401


async def test_no_key_holds_an_address_and_each_expires(stack: Stack, service: Server, address: str) -> None:
    async with asker(service.url, address) as someone:
        assert await someone.ask(HEARTBEAT) == 200
    keys = [str(key) async for key in stack.redis.scan_iter("dormparty:requests:*")]
    assert any(someone.session["userId"] in key for key in keys)
    assert any("actions_address" in key for key in keys)
    for key in keys:
        assert not re.search(r"127\.|192\.0\.2|2001", key), key
        assert await stack.redis.ttl(key) != -1, key


async def test_two_processes_count_together(stack: Stack, tmp_path: Path, address: str) -> None:
    env = {"RATE_LIMITS": limited(actions_user="6/minute")}
    async with (
        stack.another_service(tmp_path / "one", **env) as one,
        stack.another_service(tmp_path / "two", **env) as two,
        asker(one.url, address) as someone,
    ):
        again = Asker(someone.http, two.url, someone.session)
        assert await someone.statuses(3, HEARTBEAT) == [200] * 3
        assert await again.statuses(4, HEARTBEAT) == [200] * 3 + [429]
        assert await someone.ask(HEARTBEAT) == 429
