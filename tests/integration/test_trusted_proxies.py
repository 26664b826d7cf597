"""The cookie and the origin check go by what a trusted proxy says, and by nobody else's word."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.conftest import NewPerson
from tests.support.asking import asking_from
from tests.support.logs import assert_nothing_crashed
from tests.support.problems import read_problem
from tests.support.raw import send_raw
from tests.support.stack import Stack

PROXY, STRANGER = "127.0.0.2", "127.0.0.3"
FORWARDED = {
    "X-Forwarded-For": "192.0.2.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "party.example",
}


@pytest.fixture(scope="module")
async def behind(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """A service that trusts a proxy at one address of the loopback network, and the whole of another one."""
    directory = tmp_path_factory.mktemp("behind")
    trusted = f"{PROXY}, 127.9.0.0/16"
    async with stack.another_service(directory, TRUSTED_PROXIES=trusted) as service:
        running = replace(stack, url=service.url, service=service)
        yield running
    assert_nothing_crashed(running.service_log)


@pytest.mark.parametrize(
    ("address", "proto", "secure"),
    [
        (PROXY, "https", True),
        ("127.9.8.7", "https", True),
        (PROXY, "http", False),
        (PROXY, "", False),
        (PROXY, "HTTPS, evil", False),
        (STRANGER, "https", False),
        ("127.0.0.1", "https", False),
    ],
)
async def test_the_cookie_is_secure_where_a_trusted_proxy_speaks_https(
    address: str, proto: str, behind: Stack, *, secure: bool
) -> None:
    headers = FORWARDED | {"X-Forwarded-Proto": proto}
    async with (
        asking_from(address) as http,
        http.post(f"{behind.url}/api/session", headers=headers) as answer,
    ):
        assert answer.status == 201
        assert bool(answer.cookies["dormparty_session"]["secure"]) is secure


@pytest.mark.parametrize(
    ("address", "origin", "status"),
    [
        (PROXY, "https://party.example", 200),
        (PROXY, "http://party.example", 403),  # people come by https: that page is another one
        (PROXY, "own", 403),  # nor is the service's own address where they come to
        (STRANGER, "https://party.example", 403),
        (STRANGER, "own", 200),
    ],
)
async def test_the_origin_is_compared_with_the_host_that_a_trusted_proxy_names(
    address: str, origin: str, status: int, behind: Stack, new_person: NewPerson
) -> None:
    someone = await new_person()
    headers = FORWARDED | {
        "Origin": behind.url if origin == "own" else origin,
        "Cookie": f"dormparty_session={someone.token}",
    }
    url = f"{behind.url}/api/matching/heartbeat"
    async with asking_from(address) as http, http.post(url, headers=headers) as answer:
        assert answer.status == status


async def test_without_the_setting_nobody_is_believed(stack: Stack) -> None:
    async with stack.http.post(f"{stack.url}/api/session", headers=FORWARDED) as answer:
        assert not answer.cookies["dormparty_session"]["secure"]


async def test_a_stream_and_an_action_pass_by_a_trusted_proxy(behind: Stack, new_person: NewPerson) -> None:
    someone = await new_person()
    async with asking_from(PROXY) as http:
        someone.http, someone.base_url = http, behind.url
        someone.headers |= FORWARDED
        await someone.listen()
        await someone.post("enqueue", interests=["music"])
        await someone.event("queued")
        await someone.post("end")
        await someone.event("idle")
        await someone.hang_up()


@pytest.mark.parametrize("name", ["For", "Proto", "Host"])
@pytest.mark.parametrize(
    "value", [b"", b"nonsense", b"\xff\xfe", b",,", b"[::1", b"192.0.2.7:80", b"x" * 3000]
)
async def test_no_header_of_a_trusted_proxy_is_a_crash(name: str, value: bytes, behind: Stack) -> None:
    headers = [f"X-Forwarded-{name}: ".encode() + value]
    if name != "For":  # without which the others are not looked at
        headers.append(b"X-Forwarded-For: 192.0.2.7")
    status, problem = await send_raw(behind.url, "POST /api/session", *headers, sender=PROXY)
    assert status in (201, 400)
    if status == 400:
        assert problem["code"] == "invalid_request"


async def test_a_header_that_cannot_be_read_is_a_problem_with_an_id(behind: Stack) -> None:
    async with asking_from(PROXY) as http:
        headers = {"X-Forwarded-For": "nonsense"}
        async with http.get(f"{behind.url}/healthz", headers=headers) as answer:
            await read_problem(answer, 400, "invalid_request")
