"""The clients that README.md shows, run as they stand there."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from tests.support.stack import ROOT, Stack
from tests.support.waiting import eventually

_SEES_SOMEBODY = "[...document.querySelectorAll('video')].some((video) => video.videoWidth > 0)"


def examples(readme: Path) -> list[str]:
    """The JavaScript of the README."""
    return [part.split("```")[0] for part in readme.read_text().split("```js\n")[1:]]


PLAIN, MODULE = examples(ROOT / "README.md")


async def open_example(browser: Browser, url: str, pool: str, people: AsyncExitStack, example: str) -> Page:
    """Somebody whose page is the example, in a browser profile of its own."""
    context = await browser.new_context(bypass_csp=True)  # only so that the test can bring the module along
    people.push_async_callback(context.close)
    await context.request.post(f"{url}/api/session", data={"pool": pool})
    page = await context.new_page()
    await page.goto(f"{url}/healthz")
    await page.add_script_tag(content=example, type="module")
    return page


@pytest.mark.parametrize("example", [PLAIN, MODULE], ids=["plain", "module"])
async def test_two_pages_with_the_example_see_each_other(
    stack: Stack, pool: str, chromium: Browser, example: str
) -> None:
    async with AsyncExitStack() as people:
        pages = [await open_example(chromium, stack.url, pool, people, example) for _ in range(2)]
        for page in pages:

            async def sees_partner(page: Page = page) -> bool:
                return bool(await page.evaluate(_SEES_SOMEBODY))

            await eventually(sees_partner, 20, "a picture of the partner")
        skipped = await pages[0].evaluate(
            "fetch('/api/matching/skip', { method: 'POST' }).then((answer) => answer.json())"
        )
        assert skipped["outcome"] == "skipped"

        async def both_wait() -> bool:
            return len(await stack.queue(pool)) == 2  # each page acknowledged that its room is closed

        await eventually(both_wait, what="both in the queue")
        for page in pages:
            await page.evaluate("fetch('/api/matching/end', { method: 'POST' })")
