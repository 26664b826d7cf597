"""Somebody at the page: what they press, and what they see."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import BrowserContext, Locator, Page, expect

from tests.support.waiting import eventually

TIMEOUT_S = 30
_TIMEOUT_MS = TIMEOUT_S * 1000

_REMOTE = "document.getElementById('remote-video')"


class Visitor:
    """Make one with `visitor(...)`. All waiting is bounded."""

    def __init__(self, context: BrowserContext, page: Page, url: str, user_id: str) -> None:
        self.context = context
        self.page = page
        self._url = url
        self.user_id = user_id
        self.is_dead = False  #: Has its browser been killed?
        self.errors: list[str] = []  #: What the page threw and did not catch, or may not do.
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self._note(message.text))

    def _note(self, said: str) -> None:
        if "Content Security Policy" in said:
            self.errors.append(said)

    def element(self, selector: str) -> Locator:
        """A place on the page."""
        return self.page.locator(selector)

    async def press(self, selector: str) -> None:
        """Clicks a button, once it can be clicked."""
        await self.element(selector).click(timeout=_TIMEOUT_MS)

    async def sees_screen(self, name: str) -> None:
        """Waits for a screen."""
        await self.sees(f"body[data-screen={name}] #{name}")

    async def sees(self, selector: str, text: str = "") -> None:
        """Waits for something to be visible, with this text in it."""
        await expect(self.element(selector)).to_be_visible(timeout=_TIMEOUT_MS)
        await expect(self.element(selector)).to_contain_text(text, timeout=_TIMEOUT_MS)

    async def sees_not(self, selector: str) -> None:
        """Waits for something to be gone."""
        await expect(self.element(selector)).to_be_hidden(timeout=_TIMEOUT_MS)

    async def sees_partner(self) -> None:
        """Waits for the partner's picture: it has a size, nothing covers it, and its time goes on."""
        await self.becomes(f"{_REMOTE}.videoWidth > 0")
        await self.sees_not("#curtain")
        time = await self.asks(f"{_REMOTE}.currentTime")
        await self.becomes(f"{_REMOTE}.currentTime > {time}")

    async def asks(self, expression: str) -> Any:
        """What a JavaScript expression gives on the page."""
        return await self.page.evaluate(expression)

    async def becomes(self, expression: str) -> None:
        """Waits for a JavaScript expression to be true on the page."""

        async def is_so() -> bool:
            return bool(await self.asks(expression))

        await eventually(is_so, TIMEOUT_S, expression)

    async def status(self) -> dict[str, Any]:
        """What the service says of this visitor."""
        answer = await self.context.request.get(f"{self._url}/api/matching/status")
        assert answer.ok, await answer.text()
        found: dict[str, Any] = await answer.json()
        return found

    @asynccontextmanager
    async def another_tab(self) -> AsyncIterator["Visitor"]:
        """The same person in a further tab, with the page open."""
        page = await self.context.new_page()
        tab = Visitor(self.context, page, self._url, self.user_id)
        await page.goto(self._url)
        yield tab
        assert tab.errors == []
        await page.close()


@asynccontextmanager
async def visitor(context: BrowserContext, url: str, pool: str) -> AsyncIterator[Visitor]:
    """A visitor of a pool, with the page open. In the end the page is left, as people leave pages."""
    answer = await context.request.post(f"{url}/api/session", data={"pool": pool})
    assert answer.ok, await answer.text()
    page = await context.new_page()
    someone = Visitor(context, page, url, (await answer.json())["userId"])
    await page.goto(url)
    try:
        yield someone
        assert someone.errors == []
    finally:
        if not someone.is_dead:
            if not page.is_closed():
                await page.goto("about:blank")
            await context.close()


async def meet(a: Visitor, b: Visitor) -> None:
    """Both press Start, and see each other."""
    for someone in (a, b):
        await someone.press("#start")
    await see_each_other(a, b)


async def see_each_other(a: Visitor, b: Visitor) -> None:
    """Waits until both are in the call and see the other's picture move."""
    for someone in (a, b):
        await someone.sees_screen("call")
        await someone.sees_partner()
