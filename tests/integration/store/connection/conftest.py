"""A Redis that these tests may break, and connections to it."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from dormparty_sse.dev.network import free_port
from dormparty_sse.dev.redis_server import redis_server
from dormparty_sse.dev.server import Server
from dormparty_sse.store.connection import Connection
from tests.support.connections import connection_to
from tests.support.proxy import Proxy


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A Redis that these tests may break."""
    async with redis_server(tmp_path_factory.mktemp("redis"), free_port()) as running:
        yield running


@pytest.fixture
async def redis(server: Server) -> AsyncIterator[Redis]:
    async with Redis.from_url(server.url, decode_responses=True) as client:
        await client.flushall()
        yield client


@pytest.fixture
async def connection(server: Server) -> AsyncIterator[Connection]:
    async with connection_to(server.url) as made:
        await made.probe()
        yield made


@pytest.fixture
async def proxy(server: Server) -> AsyncIterator[Proxy]:
    made = Proxy()
    await made.open(urlsplit(server.url).port or 0)
    yield made
    await made.shut()
