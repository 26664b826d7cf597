"""Fixtures: two services, nginx before them, and the clients of others."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from dormparty_sse.dev import node as nodejs
from dormparty_sse.dev.network import free_port
from dormparty_sse.dev.node import Node
from dormparty_sse.dev.server import Server
from tests.foreign.clients import Chromium, Curl, EventSource, Follow, HttpxSse, Way
from tests.support.chromium import driver, launched
from tests.support.logs import assert_nothing_crashed
from tests.support.nginx import Nginx, nginx
from tests.support.proxy import Proxy, proxy
from tests.support.stack import Stack, service_server

_HERE = Path(__file__).parent
#: Time to come back, also for a client that waits a second and a half, on a busy machine.
_PATIENT = {"COME_BACK_S": "7", "LOG_LENGTH": "16", "TRUSTED_PROXIES": "127.0.0.1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Two services on one Redis and LiveKit, and nginx before both."""

    services: tuple[Server, Server]
    nginx: Nginx

    async def stop(self, *services: Server) -> None:
        """Asks services to stop, all at once, and waits until they have: within 10 s."""
        for service in services:
            os.kill(service.pid, signal.SIGTERM)
        for service in services:
            assert await service.exit() == "ended with status 0"


@pytest.fixture(scope="session")
async def site(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """Direct ways lead to the first of the services."""
    directory = tmp_path_factory.mktemp("site")
    async with AsyncExitStack() as servers:
        ports = [free_port(), free_port()]
        services = [
            await servers.enter_async_context(
                service_server(
                    stack.settings.model_copy(update={"port": port}), directory / str(port), **_PATIENT
                )
            )
            for port in ports
        ]
        first, second = services
        front = await servers.enter_async_context(nginx(directory / "nginx", *ports))
        yield Site(services=(first, second), nginx=front)
    for service in services:
        assert service.log
        assert_nothing_crashed(service.log.read_text())


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """Node.js, with the npm packages of the folder installed."""
    with nodejs.node() as tools:
        tools.install(_HERE)
        yield tools


@pytest.fixture(scope="session")
async def clients(node: Node) -> AsyncIterator[dict[str, Follow]]:
    """All of them, by name."""
    async with (
        driver() as playwright,
        launched(playwright) as browser,
        launched(playwright, "--disable-http2") as http1_browser,
    ):
        yield {
            "Chromium": Chromium(browser, http1_browser).follow,
            "eventsource": EventSource(node).follow,
            "httpx-sse": HttpxSse().follow,
            "curl": Curl().follow,
        }


#: What each client can speak: (through nginx, HTTP/2).
WAYS = {
    "Chromium": [(False, False), (True, False), (True, True)],
    "eventsource": [(False, False), (True, False)],
    "httpx-sse": [(False, False), (True, False)],
    "curl": [(False, False), (True, False), (True, True)],
}


@asynccontextmanager
async def network_to(site: Site, *, by_nginx: bool, http2: bool) -> AsyncIterator[tuple[Proxy, Way]]:
    """A network of its own that leads one client to the service, and can be cut."""
    async with proxy() as network:
        if by_nginx:
            await network.open(site.nginx.port)
            yield network, Way(url=f"https://127.0.0.1:{network.port}", nginx=site.nginx, http2=http2)
        else:
            await network.open(int(site.services[0].url.rpartition(":")[2]))
            yield network, Way(url=network.url)
