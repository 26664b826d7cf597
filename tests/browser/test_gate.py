"""The page finds a gate, and passes it by itself."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from dormparty_sse.dev.server import Server
from dormparty_sse.web.sessions import SESSION_COOKIE
from tests.support.stack import Stack

_TIMEOUT_MS = 30_000


@pytest.fixture
async def gated(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    directory = tmp_path_factory.mktemp("gated")
    async with stack.another_service(directory, GATE="proof-of-work", GATE_DIFFICULTY="14") as service:
        yield service


@pytest.fixture
async def page(chromium: Browser) -> AsyncIterator[Page]:
    context = await chromium.new_context()
    yield await context.new_page()
    await context.close()


async def test_the_page_starts_behind_a_proof_of_work(gated: Server, page: Page) -> None:
    workers: list[str] = []
    refused: list[str] = []
    page.on("worker", lambda worker: workers.append(worker.url))
    page.on("console", lambda message: refused.append(message.text) if "Policy" in message.text else None)
    await page.goto(gated.url)
    await page.locator("#start").click(timeout=_TIMEOUT_MS)
    await expect(page.locator("body[data-screen=waiting] #waiting")).to_be_visible(timeout=_TIMEOUT_MS)
    await expect(page.locator("#hold-reason")).to_be_visible(timeout=_TIMEOUT_MS)
    assert [url.rpartition("/")[2] for url in workers] == ["gate-worker.js"]  # and not the page itself
    assert refused == []
    assert SESSION_COOKIE in {cookie.get("name") for cookie in await page.context.cookies()}
    await page.locator("#cancel").click()
    await expect(page.locator("body[data-screen=landing] #landing")).to_be_visible(timeout=_TIMEOUT_MS)
