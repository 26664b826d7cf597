"""A front end on another origin: with the setting it can do everything, without it nothing."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page
from playwright.async_api import Error as PlaywrightError

from dormparty_sse.dev.network import LOOPBACK, free_port
from dormparty_sse.dev.server import Server
from tests.support.stack import Stack

_SESSION = """async ([url, pool]) => {
  const answer = await fetch(url + '/api/session', {
    method: 'POST', credentials: 'include', body: JSON.stringify({ pool }),
    headers: { 'Content-Type': 'application/json' },
  });
  return (await answer.json()).userId;
}"""

_BY_HAND = """async (url) => {
  const events = new EventSource(url + '/api/matching/events', { withCredentials: true });
  const comes = (type) => new Promise((resolve, reject) => {
    events.addEventListener('message', ({ data }) => JSON.parse(data).type === type && resolve());
    events.addEventListener('error', reject);
  });
  const queued = comes('queued');
  await comes('connected');
  const answer = await fetch(url + '/api/matching/enqueue', {
    method: 'POST', credentials: 'include', body: '{}', headers: { 'Content-Type': 'application/json' },
  });
  await queued;
  events.close();
  return [answer.status, (await answer.json()).state, answer.headers.get('X-Request-Id')];
}"""

_BY_CLIENT = """async ([url, pool]) => {
  const { DormPartyClient } = await import(url + '/static/dormparty-client.js');
  const client = new DormPartyClient({ baseUrl: url, pool });
  await client.connect();
  const queued = new Promise((resolve) => client.addEventListener('queued', () => resolve(client.state)));
  await client.enqueue();
  const state = await queued;
  await client.end();
  client.close();
  return state;
}"""

#: What a page may send without asking: the cookie goes with it.
_BLINDLY = """async (url) => {
  const blindly = { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{}' };
  await fetch(url + '/api/matching/enqueue', blindly);
}"""

_HEARS_NOTHING = """(url) => new Promise((resolve) => {
  const events = new EventSource(url + '/api/matching/events', { withCredentials: true });
  events.onmessage = () => resolve(false);
  events.onerror = () => { events.close(); resolve(true); };
})"""


@asynccontextmanager
async def front_end(port: int) -> AsyncIterator[str]:
    """A server of a page of its own; its origin."""

    async def empty(_request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", empty)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, port).start()
    try:
        yield f"http://{LOOPBACK}:{port}"
    finally:
        await runner.cleanup()


@pytest.fixture
async def front_ends() -> AsyncIterator[tuple[str, str]]:
    """Two origins."""
    async with AsyncExitStack() as servers:
        origins = [await servers.enter_async_context(front_end(free_port())) for _ in range(2)]
        yield origins[0], origins[1]


@pytest.fixture
async def service(stack: Stack, front_ends: tuple[str, str], directory: Path) -> AsyncIterator[Server]:
    """A service that allows the first of them."""
    async with stack.another_service(directory, CORS_ORIGINS=front_ends[0]) as running:
        yield running


@pytest.fixture
async def page(chromium: Browser) -> AsyncIterator[Page]:
    context = await chromium.new_context()
    yield await context.new_page()
    await context.close()


async def fails(page: Page, script: str, argument: Any) -> bool:
    """Does the script throw?"""
    try:
        await page.evaluate(script, argument)
    except PlaywrightError:
        return True
    return False


async def test_an_allowed_page_does_everything_by_hand(
    service: Server, front_ends: tuple[str, str], page: Page, pool: str
) -> None:
    await page.goto(front_ends[0])
    user_id = await page.evaluate(_SESSION, [service.url, pool])
    assert await page.evaluate(_SESSION, [service.url, pool]) == user_id  # the cookie came back
    status, state, request_id = await page.evaluate(_BY_HAND, service.url)
    assert (status, state) == (200, "WAITING")
    assert request_id
    await page.context.request.post(f"{service.url}/api/matching/end")


async def test_an_allowed_page_uses_the_client_module(
    service: Server, front_ends: tuple[str, str], page: Page, pool: str
) -> None:
    await page.goto(front_ends[0])
    assert await page.evaluate(_BY_CLIENT, [service.url, pool]) == "WAITING"


async def test_any_other_page_does_nothing(
    service: Server, front_ends: tuple[str, str], page: Page, pool: str
) -> None:
    made = await page.context.request.post(f"{service.url}/api/session", data={"pool": pool})
    assert made.ok
    await page.goto(front_ends[1])
    assert await fails(page, _SESSION, [service.url, pool])
    assert await fails(page, _BY_HAND, service.url)
    assert await fails(page, _BY_CLIENT, [service.url, pool])
    await page.evaluate(_BLINDLY, service.url)
    assert await page.evaluate(_HEARS_NOTHING, service.url)
    status = json.loads(await (await page.context.request.get(f"{service.url}/api/matching/status")).text())
    assert (status["state"], status["seq"]) == ("IDLE", 0)
