"""Fixtures: browsers with and without a camera, and visitors of the test's own pool."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest
from playwright.async_api import Browser, Playwright

from dormparty_sse.dev.network import LOOPBACK, ask, free_port
from dormparty_sse.dev.server import Server
from tests.browser.visitor import Visitor, visitor
from tests.support.chromium import FLAGS, chromium_program, driver, launched
from tests.support.proxy import Proxy, proxy
from tests.support.stack import Stack, clean_stack

_DEVICES = "--use-fake-device-for-media-stream=fps=5"  # with 20, two pages keep two cores busy
_ALLOW_DEVICES = "--use-fake-ui-for-media-stream"


class NewVisitor(Protocol):
    """Makes a visitor; `url` is where the page is asked for, if not from the service itself."""

    def __call__(self, *, width: int = 1280, height: int = 800, url: str = "") -> Awaitable[Visitor]: ...


@pytest.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """A stack for browsers, which take their time to get into a call and to look at the page."""
    directory = tmp_path_factory.mktemp("stack")
    async with clean_stack(directory, CONNECT_TIMEOUT_S="15", PAIR_COOLDOWN_S="8") as running:
        yield running


@pytest.fixture(scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    """What drives the browsers."""
    async with driver() as running:
        yield running


@pytest.fixture(scope="session")
async def chromium(playwright: Playwright) -> AsyncIterator[Browser]:
    """A browser with a camera and a microphone, which everybody may use."""
    async with launched(playwright, _DEVICES, _ALLOW_DEVICES) as browser:
        yield browser


@pytest.fixture(scope="session")
async def refusing_chromium(playwright: Playwright) -> AsyncIterator[Browser]:
    """A browser that refuses camera and microphone to every page; without windows it would have none."""
    async with launched(playwright, _DEVICES, whole=True) as browser:
        yield browser


@pytest.fixture(scope="session")
async def bare_chromium(playwright: Playwright) -> AsyncIterator[Browser]:
    """A browser on a machine that has neither camera nor microphone; every page might use them."""
    async with launched(playwright, _ALLOW_DEVICES) as browser:
        yield browser


@pytest.fixture
async def new_visitor(stack: Stack, pool: str, chromium: Browser) -> AsyncIterator[NewVisitor]:
    """Makes visitors, each in a browser profile of its own, with the page open."""
    async with visitors(chromium, stack, pool) as make:
        yield make


@pytest.fixture
async def new_refusing_visitor(
    stack: Stack, pool: str, refusing_chromium: Browser
) -> AsyncIterator[NewVisitor]:
    """Makes visitors who allow neither camera nor microphone."""
    async with visitors(refusing_chromium, stack, pool) as make:
        yield make


@pytest.fixture
async def new_bare_visitor(stack: Stack, pool: str, bare_chromium: Browser) -> AsyncIterator[NewVisitor]:
    """Makes visitors who have neither camera nor microphone."""
    async with visitors(bare_chromium, stack, pool) as make:
        yield make


@pytest.fixture
async def network(stack: Stack) -> AsyncIterator[Proxy]:
    """The network of one visitor; LiveKit is reached without it."""
    async with proxy() as way:
        await way.open(stack.settings.port)
        yield way


@pytest.fixture
async def other_network(stack: Stack) -> AsyncIterator[Proxy]:
    """That of another visitor."""
    async with proxy() as way:
        await way.open(stack.settings.port)
        yield way


@asynccontextmanager
async def visitors(browser: Browser, stack: Stack, pool: str) -> AsyncIterator[NewVisitor]:
    """Makes visitors with this browser."""
    async with AsyncExitStack() as people:

        async def make(*, width: int = 1280, height: int = 800, url: str = "") -> Visitor:
            context = await browser.new_context(
                viewport={"width": width, "height": height},
                reduced_motion="reduce",  # drawn without a graphics card, it slows down everything
            )
            return await people.enter_async_context(visitor(context, url or stack.url, pool))

        yield make


@asynccontextmanager
async def process_of_its_own(playwright: Playwright, profile: Path) -> AsyncIterator[tuple[Browser, Server]]:
    """A browser with a camera, and its process, which may be killed."""
    port = free_port()

    async def ready() -> bool:
        return b" 200 " in await ask(port, b"GET /json/version HTTP/1.1\r\nHost: localhost\r\n\r\n")

    # Without a first window: on a busy machine the driver would wait for one that is only half there.
    flags = [
        "--headless",
        "--no-startup-window",
        f"--remote-debugging-port={port}",
        f"--user-data-dir={profile}",
    ]
    server = Server(
        name="Chromium",
        url=f"http://{LOOPBACK}:{port}",
        command=[chromium_program(), *FLAGS, _DEVICES, _ALLOW_DEVICES, *flags],
        ready=ready,
        log=profile.with_suffix(".log"),
        cwd=profile.parent,
    )
    async with server:
        yield await playwright.chromium.connect_over_cdp(server.url, timeout=90_000), server
