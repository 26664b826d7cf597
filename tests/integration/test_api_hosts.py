"""A request names one host, which is one: servers on the way must not differ on where it was to go."""

import pytest

from tests.support.stack import Stack
from tests.support.wire import wire

ASK = b"GET /healthz HTTP/%s\r\nConnection: close\r\n%s\r\n"


@pytest.mark.parametrize(
    "host", ["", "Host:", "Host: a b", "Host: a/b", "Host: <b>", "Host: a:b", "Host: [x]"]
)
async def test_a_request_without_a_host_is_refused(host: str, stack: Stack) -> None:
    lines = f"{host}\r\n".encode() if host else b""
    async with wire(stack.url) as connection:
        (answer,) = await connection.last(ASK % (b"1.1", lines))
    assert answer.status == 400


@pytest.mark.parametrize("host", ["a", "a.example:8080", "127.0.0.1", "[::1]:80", "[::ffff:127.0.0.1]"])
async def test_a_request_with_a_host_is_answered(host: str, stack: Stack) -> None:
    async with wire(stack.url) as connection:
        (answer,) = await connection.last(ASK % (b"1.1", f"Host: {host}\r\n".encode()))
    assert answer.status == 200


async def test_http_1_0_needs_no_host(stack: Stack) -> None:
    async with wire(stack.url) as connection:
        (answer,) = await connection.last(ASK % (b"1.0", b""))
    assert answer.status == 200


async def test_what_was_before_http_1_0_is_refused(stack: Stack) -> None:
    async with wire(stack.url) as connection:
        (answer,) = await connection.last(b"GET /healthz\r\n\r\n")
    assert answer.status == 400
