"""Forwarded headers: believed from trusted proxies alone, whatever they hold."""

from dataclasses import dataclass
from ipaddress import ip_network

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from dormparty_sse.web.proxies import forwarded_by

PROXY, OTHER_PROXY, STRANGER = "10.0.0.1", "10.0.0.2", "192.0.2.7"
TRUSTED = [ip_network("10.0.0.0/24"), ip_network("2001:db8:1::/48"), ip_network("2001:db8:2::9")]


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as a handler sees it."""

    remote: str | None
    scheme: str
    host: str


async def seen_from(peer: str, *headers: tuple[str, str]) -> Seen:
    """What a handler sees of a request that `peer` sends, with X-Forwarded-… headers."""
    seen: list[Seen] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(Seen(request.remote, request.scheme, request.host))
        return web.Response()

    sent = CIMultiDict(
        [("Host", "service:8080"), *((f"X-Forwarded-{name}", value) for name, value in headers)]
    )
    request = make_mocked_request("GET", "/", headers=sent).clone(remote=peer)
    await forwarded_by(TRUSTED)(request, handler)
    return seen[0]


def https_by(*hops: str) -> list[tuple[str, str]]:
    return [("For", ", ".join(hops)), ("Proto", "https"), ("Host", "party.example")]


@pytest.mark.parametrize("peer", [PROXY, "10.0.0.255", "2001:db8:1::5", "2001:db8:2::9", "::ffff:10.0.0.1"])
async def test_a_trusted_proxy_is_believed(peer: str) -> None:
    seen = await seen_from(peer, *https_by(STRANGER))
    assert seen == Seen(STRANGER, "https", "party.example")


@pytest.mark.parametrize(
    "peer",
    [STRANGER, "10.0.1.1", "2001:db8:2::8", "2001:db8:2::", "::ffff:192.0.2.7", "::1", "fe80::1%eth0", ""],
)
async def test_nobody_else_is_believed(peer: str) -> None:
    for hop in (PROXY, "127.0.0.1", "nonsense"):
        seen = await seen_from(peer, *https_by(hop))
        assert seen == Seen(peer, "http", "service:8080")


async def test_nobody_is_trusted_unless_named() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=request.scheme)

    request = make_mocked_request(
        "GET", "/", headers={"X-Forwarded-For": STRANGER, "X-Forwarded-Proto": "https"}
    )
    answer = await forwarded_by([])(request.clone(remote="127.0.0.1"), handler)
    assert isinstance(answer, web.Response)
    assert answer.text == "http"


@pytest.mark.parametrize(
    ("hops", "remote"),
    [
        ((STRANGER, OTHER_PROXY), STRANGER),
        ((STRANGER, OTHER_PROXY, PROXY), STRANGER),
        ((STRANGER, "2001:db8:1::5", PROXY), STRANGER),
        (("2001:db8:9::1", "2001:db8:2::9"), "2001:db8:9::1"),
        (("127.0.0.1", PROXY, STRANGER), STRANGER),  # what is left of the first stranger, that one says
        (("10.0.0.9", OTHER_PROXY), "10.0.0.9"),
    ],
)
async def test_through_several_proxies_the_asker_is_the_last_that_is_none(
    hops: tuple[str, ...], remote: str
) -> None:
    assert (await seen_from(PROXY, *https_by(*hops))).remote == remote


async def test_each_proxy_of_a_chain_may_say_how_it_was_asked() -> None:
    chain = ("For", f"1.2.3.4, {STRANGER}, {OTHER_PROXY}")
    said = ("Proto", "spoofed, https, http"), ("Host", "evil.example, party.example, inner")
    assert await seen_from(PROXY, chain, *said) == Seen(STRANGER, "https", "party.example")


async def test_what_a_proxy_does_not_say_stays() -> None:
    assert await seen_from(PROXY) == Seen(PROXY, "http", "service:8080")
    assert await seen_from(PROXY, ("For", STRANGER)) == Seen(STRANGER, "http", "service:8080")


@pytest.mark.parametrize(
    "headers",
    [
        [("For", "nonsense")],
        [("For", "")],
        [("For", "unknown, 10.0.0.2")],
        [("For", "192.0.2.7:4711")],
        [("For", "10.0.0.2,")],
        [("For", STRANGER), ("For", STRANGER)],
        [("For", STRANGER), ("Proto", "https"), ("Proto", "http")],
        [("For", STRANGER), ("Host", "a"), ("Host", "b")],
    ],
)
async def test_what_cannot_be_read_is_a_bad_request(headers: list[tuple[str, str]]) -> None:
    with pytest.raises(web.HTTPBadRequest):
        await seen_from(PROXY, *headers)


@pytest.mark.parametrize("value", ["", ",", "a b", "https://", "[::1", "x" * 5000])
async def test_nonsense_as_scheme_or_host_is_never_https(value: str) -> None:
    seen = await seen_from(PROXY, ("For", STRANGER), ("Proto", value), ("Host", value))
    assert seen.scheme != "https"
    assert seen.remote == STRANGER
