"""The client in Node and the real service: two meet, skip and end, though their connections are cut."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from dormparty_sse.dev.node import Node
from tests.client.conftest import CLIENT
from tests.support.holding import holding_proxy
from tests.support.logs import causes
from tests.support.proxy import Proxy, proxy
from tests.support.stack import ROOT, Stack
from tests.support.waiting import PATIENCE_S, eventually

_NO_STEPS = {"connected", "snapshot"}
_PROGRAM = ROOT / "tests/client/real-client.mjs"


class NodeClient:
    """Make one with `node_client(...)`. All waiting is bounded."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.events: list[dict[str, Any]] = []  #: `type` and `detail` of what the client has emitted.
        self.answers: list[dict[str, Any]] = []  #: What its methods resolved with.
        self._process = process
        self._seen = 0
        self._reading = asyncio.create_task(self._read())

    async def does(self, command: str) -> dict[str, Any]:
        """Calls a method without arguments; what that resolves with."""
        assert self._process.stdin
        self._process.stdin.write(f"{command}\n".encode())
        count = len(self.answers)

        async def answered() -> bool:
            return len(self.answers) > count

        await eventually(answered, 20, command)
        return self.answers[-1]

    async def hears(self, event_type: str) -> Any:
        """Waits for the next event of a type after the last one waited for; its detail."""

        async def came() -> bool:
            for index in range(self._seen, len(self.events)):
                if self.events[index]["type"] == event_type:
                    self._seen = index + 1
                    return True
            return False

        await eventually(came, 20, event_type)
        return self.events[self._seen - 1]["detail"]

    @property
    def seqs(self) -> list[int]:
        """Those of the steps it was told of, in order."""
        steps = (event["detail"] for event in self.events if event["type"] not in _NO_STEPS)
        return [detail["seq"] for detail in steps if isinstance(detail, dict) and "seq" in detail]

    async def close(self) -> None:
        """Ends it as a client ends that is told to."""
        assert self._process.stdin
        self._process.stdin.close()
        try:
            async with asyncio.timeout(PATIENCE_S):
                assert await self._process.wait() == 0
        finally:
            if self._process.returncode is None:
                self._process.kill()
            await self._reading

    async def _read(self) -> None:
        assert self._process.stdout
        async for line in self._process.stdout:
            said = json.loads(line)
            if said["type"] == "answer":
                self.answers.append(said["detail"])
            else:
                self.events.append(said)


@asynccontextmanager
async def node_client(nodejs: Node, url: str, pool: str) -> AsyncIterator[NodeClient]:
    """A client of this pool, connected."""
    process = await asyncio.create_subprocess_exec(
        *nodejs.node,
        _PROGRAM,
        url,
        pool,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=CLIENT,
    )
    client = NodeClient(process)
    try:
        await client.hears("snapshot")
        yield client
    finally:
        await client.close()


@pytest.fixture
async def network(stack: Stack) -> AsyncIterator[Proxy]:
    """The network of one of them."""
    async with proxy() as way:
        await way.open(stack.settings.port)
        yield way


async def test_two_meet_skip_and_end_over_cut_connections(
    stack: Stack, pool: str, network: Proxy, nodejs: Node
) -> None:
    async with AsyncExitStack() as clients:
        a = await clients.enter_async_context(node_client(nodejs, network.url, pool))
        b = await clients.enter_async_context(node_client(nodejs, stack.url, pool))
        await a.does("enqueue")
        await a.hears("queued")
        await network.cut()
        await b.does("enqueue")
        for client in (a, b):
            assert (await client.hears("new-match"))["livekitUrl"]
        await network.shut()
        assert (await b.does("skip"))["outcome"] == "skipped"
        await b.hears("skip-confirmed")
        await b.hears("room-closing")
        await b.hears("requeued")
        await network.open()
        assert (await a.hears("force-disconnect"))["reason"] == "partner-skipped"
        await a.hears("room-closing")
        await a.hears("requeued")
        for client in (a, b):
            assert (await client.does("end"))["outcome"] == "cancelled"
            await client.hears("idle")
            assert client.seqs == [1, 2, 3, 4]


async def test_where_streams_are_held_back_it_polls(stack: Stack, pool: str, nodejs: Node) -> None:
    async with AsyncExitStack() as clients:
        held_back = await clients.enter_async_context(holding_proxy(stack.url))
        a = await clients.enter_async_context(node_client(nodejs, held_back, pool))
        b = await clients.enter_async_context(node_client(nodejs, stack.url, pool))
        for client in (a, b):
            await client.does("enqueue")
            await client.hears("queued")
        assert (await a.hears("new-match"))["livekitUrl"]
        polling = (await b.hears("new-match"))["partnerId"]
        await b.does("skip")
        assert (await a.hears("force-disconnect"))["reason"] == "partner-skipped"
        for client in (a, b):
            await client.hears("requeued")
            await client.does("end")
            await client.hears("idle")
            assert client.seqs == [1, 2, 3, 4]
    assert {"client", "answered"} <= causes(stack.service_log, polling)
