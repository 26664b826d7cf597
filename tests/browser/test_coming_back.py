"""A page in a call or in line is reloaded, or left and come back to: it says so once, and Start goes on."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Playwright, Route

from tests.browser.conftest import NewVisitor, visitors
from tests.browser.test_access import assert_fits
from tests.browser.test_calls import becomes
from tests.browser.visitor import Visitor, meet, see_each_other
from tests.support.chromium import launched
from tests.support.stack import Stack
from tests.support.waiting import eventually

LEFT_CALL = "You left the call when the page was reloaded. Press Start to go on."
LEFT_LINE = "You left the line when the page was reloaded. Press Start to go on."
CLOSED_CALL = "You left the call when the page was closed. Press Start to go on."
CLOSED_LINE = "You left the line when the page was closed. Press Start to go on."


@pytest.fixture
async def new_caching_visitor(stack: Stack, pool: str, playwright: Playwright) -> AsyncIterator[NewVisitor]:
    """Makes visitors whose browser keeps pages that were left, which it does not where a camera is on."""
    off = ["--disable-back-forward-cache"]
    async with (
        launched(playwright, whole=True, not_with=off) as browser,
        visitors(browser, stack, pool) as make,
    ):
        yield make


async def says(someone: Visitor, words: str) -> None:
    """The landing says this, also to screen readers, and nothing else is shown."""
    await someone.sees("#notice", words)
    await someone.sees("#status", words)
    await someone.sees_screen("landing")


async def says_nothing(someone: Visitor) -> None:
    """The landing is as on a first visit, once the server has told how things are."""
    async with someone.page.expect_response("**/api/matching/events"):
        await someone.page.reload()
    await someone.sees_screen("landing")
    await someone.sees_not("#notice")


async def test_reloading_in_a_call_ends_it_and_start_goes_on(
    stack: Stack, pool: str, new_visitor: NewVisitor
) -> None:
    a, b = await new_visitor(), await new_visitor()
    await a.sees_not("#notice")  # on a first visit
    await meet(a, b)
    await a.page.reload()
    await says(a, LEFT_CALL)
    await b.sees_screen("waiting")
    await b.sees("#notice", "Your partner left.")
    await becomes(stack, pool, a, "IDLE")
    assert await a.asks("document.getElementById('preview-video').srcObject === null")

    await a.press("#start")
    await see_each_other(a, b)
    await a.press("#end")
    await a.sees("#notice", "Call ended.")
    await says_nothing(a)


async def test_what_a_page_learns_while_it_is_being_reloaded_changes_nothing(
    stack: Stack, pool: str, new_visitor: NewVisitor
) -> None:
    a, b = await new_visitor(), await new_visitor()
    await meet(a, b)

    async def when_the_call_is_over(route: Route) -> None:
        await becomes(stack, pool, a, "IDLE")  # LiveKit's client has said goodbye by itself
        await asyncio.sleep(0.5)  # while it is being reloaded, a page cannot be asked what it has learned
        await route.continue_()

    await a.page.route(a.page.url, when_the_call_is_over)
    await a.page.reload()
    await says(a, LEFT_CALL)


async def test_reloading_in_line_leaves_it_and_start_goes_on(
    stack: Stack, pool: str, new_visitor: NewVisitor
) -> None:
    a = await new_visitor()
    await a.press("#start")
    await a.sees("#position", "next in line")
    await a.page.reload()
    await says(a, LEFT_LINE)
    await becomes(stack, pool, a, "IDLE")
    await says_nothing(a)

    await a.press("#start")
    await a.sees("#position", "next in line")
    await a.page.reload()
    await a.press("#start")  # at once
    await a.sees("#position", "next in line")
    await a.sees_not("#notice")
    await becomes(stack, pool, a, "WAITING")


async def test_a_farewell_that_was_lost_is_said_again(
    stack: Stack, pool: str, new_visitor: NewVisitor
) -> None:
    a = await new_visitor()
    await a.page.add_init_script("navigator.sendBeacon = () => true;")
    await a.page.reload()
    await a.press("#start")
    await a.sees("#position", "next in line")
    await a.page.reload()
    await says(a, LEFT_LINE)
    await becomes(stack, pool, a, "IDLE")

    await a.press("#start")
    await a.sees("#position", "next in line")
    await becomes(stack, pool, a, "WAITING")


async def test_a_start_that_arrives_after_the_farewell_is_undone(
    stack: Stack, pool: str, new_visitor: NewVisitor
) -> None:
    a = await new_visitor()
    await a.press("#start")
    await a.sees("#position", "next in line")
    await a.page.reload()
    await says(a, LEFT_LINE)
    await becomes(stack, pool, a, "IDLE")
    seq = (await a.status())["seq"]

    answer = await a.context.request.post(f"{stack.url}/api/matching/enqueue")  # as the last page would
    assert (await answer.json())["state"] == "WAITING"

    async def undone() -> bool:
        status = await a.status()
        return bool(status["state"] == "IDLE" and status["seq"] == seq + 2)

    await eventually(undone, what="out of the line again")
    await says(a, LEFT_LINE)
    await a.press("#start")
    await a.sees("#position", "next in line")


async def test_whoever_presses_start_before_the_farewell_arrives_is_in_line(new_visitor: NewVisitor) -> None:
    a, b = await new_visitor(), await new_visitor()
    await a.page.add_init_script("navigator.sendBeacon = () => true;")
    await a.page.route("**/livekit-client.esm.mjs", lambda route: route.abort())  # it never gets to the room
    await a.page.reload()
    for someone in (a, b):
        await someone.press("#start")
    await a.sees_screen("call")
    match = (await a.status())["match"]
    arrives = asyncio.Event()

    async def hold(route: Route) -> None:
        await arrives.wait()
        await route.continue_()

    await a.page.unroute("**/livekit-client.esm.mjs")
    await a.page.route("**/api/matching/end", hold)
    async with a.page.expect_request("**/api/matching/end"):
        await a.page.reload()
    await says(a, LEFT_CALL)
    await a.press("#start")
    await a.sees_screen("waiting")
    arrives.set()
    await see_each_other(a, b)
    assert (await a.status())["match"]["sessionId"] != match["sessionId"]


async def test_going_elsewhere_and_back_says_so(stack: Stack, pool: str, new_visitor: NewVisitor) -> None:
    a, b = await new_visitor(), await new_visitor()
    await meet(a, b)
    await a.page.goto(f"{stack.url}/healthz")
    await becomes(stack, pool, a, "IDLE")
    await b.sees_screen("waiting")
    await a.page.go_back()
    await says(a, CLOSED_CALL)
    await a.press("#start")
    await see_each_other(a, b)


async def test_a_page_out_of_the_cache_says_so(
    stack: Stack, pool: str, new_caching_visitor: NewVisitor
) -> None:
    a = await new_caching_visitor()
    await a.press("#start")
    await a.sees("#position", "next in line")
    # Chromium does not keep a page that is still loading something.
    await a.becomes("performance.getEntriesByType('resource').some(({ name }) => name.includes('livekit'))")
    await a.asks("window.isTheSame = true")
    await a.page.goto(f"{stack.url}/healthz")
    await becomes(stack, pool, a, "IDLE")
    await a.page.go_back(wait_until="commit")
    assert await a.asks("window.isTheSame")
    await says(a, CLOSED_LINE)
    await a.press("#start")
    await a.sees("#position", "next in line")
    await a.sees_not("#notice")
    await becomes(stack, pool, a, "WAITING")


@pytest.mark.parametrize(("width", "height"), [(360, 740), (740, 360)])
async def test_start_is_in_sight_on_a_phone(new_visitor: NewVisitor, width: int, height: int) -> None:
    a = await new_visitor(width=width, height=height)
    await a.press("#start")
    await a.page.reload()
    await says(a, LEFT_LINE)
    await assert_fits(a, "#notice", "#start")
