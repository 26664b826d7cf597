"""Whoever came by https is told to stay there, and nobody else."""

from pathlib import Path

from tests.support.stack import Stack

HEADER = "Strict-Transport-Security"


async def test_only_https_is_to_be_kept(stack: Stack, directory: Path) -> None:
    async with stack.http.get(stack.url) as answer:
        assert HEADER not in answer.headers
    async with stack.another_service(directory, APP_URL="https://party.example") as service:
        for path in ("/", "/healthz", "/nowhere"):
            async with stack.http.get(service.url + path) as answer:
                assert answer.headers[HEADER] == "max-age=31536000"


async def test_a_trusted_proxy_tells_of_https(stack: Stack, directory: Path) -> None:
    async with stack.another_service(directory, TRUSTED_PROXIES="127.0.0.1") as service:
        for scheme, is_told in (("https", True), ("http", False)):
            forwarded = {
                "X-Forwarded-For": "192.0.2.1",
                "X-Forwarded-Proto": scheme,
                "X-Forwarded-Host": "party.example",
            }
            async with stack.http.get(service.url, headers=forwarded) as answer:
                assert answer.status == 200
                assert (HEADER in answer.headers) is is_told
