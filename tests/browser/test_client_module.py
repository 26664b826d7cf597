"""The client module on a page of its own: nothing of this service's page is there."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.support.proxy import Proxy
from tests.support.stack import Stack
from tests.support.waiting import eventually

_OPEN = """async (options) => {
  const { DormPartyClient } = await import('/static/dormparty-client.js');
  window.client = new DormPartyClient(options);
  window.heard = [];
  for (const type of ['snapshot', 'queued', 'new-match', 'room-closing', 'requeued', 'idle', 'stream']) {
    client.addEventListener(type, ({ detail }) => heard.push([type, detail]));
  }
  client.addEventListener('room-closing', (event) => event.waitUntil(new Promise((leave) => {
    window.leaveRoom = leave;
  })));
  await client.connect();
}"""


class Module:
    """A blank page with a connected client."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self._url = url

    async def open(self, **options: Any) -> None:
        """Loads the module, and connects."""
        await self.page.goto(f"{self._url}/healthz")
        await self.page.evaluate(_OPEN, options)

    async def asks(self, expression: str) -> Any:
        """What JavaScript says."""
        return await self.page.evaluate(expression)

    async def hears(self, event_type: str) -> Any:
        """Waits for an event; its detail."""

        async def heard() -> list[Any] | None:
            events = await self.asks("heard")
            return next((event for event in reversed(events) if event[0] == event_type), None)

        found = await eventually(heard, 20, event_type)
        assert found
        return found[1]

    async def becomes(self, expression: str, value: object) -> None:
        """Waits until JavaScript says so."""

        async def is_so() -> bool:
            return bool(await self.asks(expression) == value)

        await eventually(is_so, 20, f"{expression} {value}")


@pytest.fixture
async def modules(
    stack: Stack, pool: str, network: Proxy, chromium: Browser
) -> AsyncIterator[tuple[Module, Module]]:
    """Two people; the first comes by a network of its own."""
    contexts = [await chromium.new_context() for _ in range(2)]
    people = []
    for context, url in zip(contexts, (network.url, stack.url), strict=True):
        someone = Module(await context.new_page(), url)
        await someone.open(pool=pool)
        people.append(someone)
    yield people[0], people[1]
    for context in contexts:
        await context.close()


async def test_from_session_to_match_over_a_lost_network(
    network: Proxy, modules: tuple[Module, Module]
) -> None:
    a, b = modules
    assert await a.asks("client.state") == "IDLE"
    assert (await a.asks("client.enqueue()"))["position"] == 1
    await a.hears("queued")

    await network.shut()
    await a.page.context.set_offline(True)
    await a.becomes("client.streamStatus", "lost")
    await b.asks("client.enqueue()")
    await network.open()
    await a.page.context.set_offline(False)  # which it hears
    match = await a.hears("new-match")
    assert (await b.hears("new-match"))["sessionId"] == match["sessionId"]
    assert await a.asks("client.transport") == "stream"

    await b.asks("client.skip()")
    assert (await a.hears("room-closing"))["roomName"] == match["roomName"]
    await a.hears("requeued")
    acknowledged: list[str] = []
    a.page.on("request", lambda request: acknowledged.append(request.url.rpartition("/")[2]))
    await a.asks("leaveRoom()")

    async def told() -> bool:
        return "room-close-ack" in acknowledged

    await eventually(told, what="the word that the room is left")
    for someone in modules:
        await someone.asks("client.end()")
        await someone.becomes("client.state", "IDLE")


async def test_a_page_that_goes_says_so(stack: Stack, pool: str, modules: tuple[Module, Module]) -> None:
    someone, _ = modules
    user_id = await someone.asks("client.userId")
    await someone.asks("client.enqueue()")
    await someone.page.goto("about:blank")

    async def left() -> bool:
        return (await stack.user(pool, user_id))["state"] == "IDLE"

    await eventually(left, what="out of the line")


async def test_a_page_that_is_not_to_say_so_comes_back_into_line(
    pool: str, modules: tuple[Module, Module]
) -> None:
    someone, _ = modules
    await someone.open(pool=pool, leaveWithPage=False)
    await someone.asks("client.enqueue()")
    await someone.page.goto("about:blank")
    await someone.open(pool=pool)
    assert await someone.asks("client.state") == "WAITING"
    await someone.asks("client.end()")
