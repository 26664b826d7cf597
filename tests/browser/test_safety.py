"""Block, Report, the skip cooldown, and what somebody reads who is kept out."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Route

from dormparty_sse.web.sessions import SESSION_COOKIE
from tests.browser.conftest import NewVisitor
from tests.browser.visitor import Visitor, meet
from tests.support.stack import SECRET, Stack
from tests.support.waiting import eventually

_FOCUSED = "document.activeElement.id"
_COUNTS_DOWN = "document.getElementById('skip-words').textContent.startsWith('Skip again in 0:0')"
_CAN_SKIP = "!document.getElementById('skip').disabled"


@pytest.fixture(scope="module")
async def strict_url(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A service that takes one skip for many, and one report for enough."""
    rules = {"SKIPS": "1", "SKIP_COOLDOWNS_S": "[8]", "PAIR_COOLDOWN_S": "1", "REPORTERS": "1"}
    async with stack.another_service(tmp_path_factory.mktemp("strict"), **rules) as service:
        yield service.url


async def reports(stack: Stack, pool: str) -> list[dict[str, Any]]:
    """What the moderators have been told."""
    headers = {"Authorization": f"Bearer {SECRET}"}
    url = f"{stack.url}/api/admin/reports"
    async with stack.http.get(url, params={"pool": pool}, headers=headers) as answer:
        found: list[dict[str, Any]] = (await answer.json())["reports"]
        return found


async def report_for(someone: Visitor, offence: str, details: str = "") -> None:
    """Fills in the dialog and sends it."""
    await someone.element(f"input[value={offence}]").check()
    await someone.element("#report-details").fill(details)
    await someone.press("#report-send")


async def test_whom_one_has_blocked_one_does_not_meet_again_and_may_still_report(
    stack: Stack, pool: str, new_visitor: NewVisitor
) -> None:
    a, b = await new_visitor(), await new_visitor()
    await meet(a, b)
    await a.press("#block")
    await a.sees_screen("waiting")
    await a.sees("#notice", "meet again.")
    await b.sees("#notice", "Your partner left.")
    await a.sees("#hold-reason[data-reason=blocked]", "Nobody in line can be matched with you")

    await a.sees_not("#waiting [data-safety=block]")
    await a.press("#waiting [data-safety=report]")
    await report_for(a, "spam")
    await a.sees("#notice", "Thank you.")
    await a.sees_screen("waiting")
    assert await a.asks(_FOCUSED) == "waiting-title"  # the button is gone
    assert [(entry["userId"], entry["reason"]) for entry in await reports(stack, pool)] == [
        (b.user_id, "spam")
    ]


async def test_a_report_ends_the_call_and_goes_to_the_moderators(
    stack: Stack, pool: str, new_visitor: NewVisitor
) -> None:
    a, b = await new_visitor(), await new_visitor()
    await meet(a, b)
    keys = a.page.keyboard
    await a.element("#report").focus()
    await keys.press("Enter")
    await a.sees("#report-dialog", "What happened?")
    await keys.press("Escape")
    await a.sees_not("#report-dialog")
    assert await a.asks(_FOCUSED) == "report"
    await a.sees_screen("call")

    await keys.press("Enter")
    await a.press("#report-send")
    await a.sees("#report-dialog")  # no reason, no report
    await a.element("#report-details").press_sequentially("even so")  # `e` ends no call, `n` skips none
    await a.sees_screen("call")
    await report_for(a, "harassment", "They shouted.")
    await a.sees_screen("landing")
    await a.sees("#notice", "Thank you.")
    await b.sees("#notice", "Your partner left.")
    assert await a.asks(_FOCUSED) == "landing-title"
    assert await a.element("#landing [data-last-person]").is_hidden()
    (entry,) = await reports(stack, pool)
    assert (entry["reporterId"], entry["userId"]) == (a.user_id, b.user_id)
    assert (entry["reason"], entry["details"]) == ("harassment", "They shouted.")


async def test_who_skips_too_often_sees_when_the_next_skip_is_possible(
    strict_url: str, new_visitor: NewVisitor
) -> None:
    a, b = await new_visitor(url=strict_url), await new_visitor(url=strict_url)
    await meet(a, b)
    await a.press("#skip")
    await a.becomes(_COUNTS_DOWN)
    await a.page.reload()  # takes it out of the line, and not out of the cooldown
    await a.becomes(_COUNTS_DOWN)
    await a.press("#start")
    await a.sees("#skip", "Skip again in 0:0")
    await a.becomes("!document.getElementById('end').disabled")
    assert not await a.asks(_CAN_SKIP)
    await b.becomes(_CAN_SKIP)  # being skipped does not count
    await a.becomes(_CAN_SKIP)
    assert not await a.asks(_COUNTS_DOWN)


async def test_who_is_kept_out_reads_why_and_until_when(strict_url: str, new_visitor: NewVisitor) -> None:
    a, b = await new_visitor(url=strict_url), await new_visitor(url=strict_url)
    await meet(a, b)
    await a.press("#end")
    await b.sees_screen("waiting")
    await a.press("#landing [data-safety=report]")
    await report_for(a, "other")
    await b.sees_screen("landing")
    moment = await b.asks("new Date(Date.now() + 86_400_000).toLocaleString('en', { weekday: 'long' })")
    for _ in range(2):  # when it happens, and to whoever tries again
        await b.sees("#notice", "Several people have reported you.")
        await b.sees("#notice", f" until {moment}")
        await b.press("#start")
        await b.sees_screen("landing")


async def bar_from(stack: Stack, someone: Visitor, pool: str) -> None:
    """A moderator bans somebody for ten minutes."""
    url = f"{stack.url}/api/admin/users/{someone.user_id}/ban"
    body = {"pool": pool, "reason": "hate", "durationSeconds": 600}
    headers = {"Authorization": f"Bearer {SECRET}"}
    async with stack.http.post(url, json=body, headers=headers) as answer:
        assert answer.status == 200, await answer.text()


async def reads_of_the_ban(someone: Visitor) -> None:
    await someone.sees_screen("landing")
    await someone.sees("#notice", "A moderator has banned you until ")
    await someone.sees("#notice", "The reason: ")


async def waits(stack: Stack, someone: Visitor, pool: str) -> None:
    """Presses Start, and the service knows."""
    await someone.press("#start")

    async def in_line() -> bool:
        return await stack.queue(pool) == [someone.user_id]

    await eventually(in_line, what="a place in line")


async def test_a_banned_browser_reads_why_when_it_happens_and_when_it_comes_back(
    stack: Stack, pool: str, new_visitor: NewVisitor
) -> None:
    someone = await new_visitor()
    await waits(stack, someone, pool)
    await bar_from(stack, someone, pool)
    await reads_of_the_ban(someone)

    await someone.context.clear_cookies(name=SESSION_COOKIE)  # of the browser itself, another cookie tells
    await someone.page.reload()
    await someone.press("#start")
    await reads_of_the_ban(someone)
    assert not await stack.queue(pool)


async def test_who_is_banned_while_its_connection_is_lost_reads_it_when_it_is_back(
    stack: Stack, pool: str, new_visitor: NewVisitor
) -> None:
    someone = await new_visitor()
    await waits(stack, someone, pool)
    await someone.context.set_offline(True)
    await bar_from(stack, someone, pool)
    await someone.context.set_offline(False)
    await reads_of_the_ban(someone)


async def test_who_is_sent_home_before_start_is_answered_is_not_left_waiting(
    stack: Stack, pool: str, new_visitor: NewVisitor
) -> None:
    someone = await new_visitor()
    is_over = asyncio.Event()

    async def late(route: Route) -> None:
        answer = await route.fetch()
        await is_over.wait()
        await route.fulfill(response=answer)

    await someone.page.route("**/api/matching/enqueue", late)
    await waits(stack, someone, pool)
    url = f"{stack.url}/api/admin/users/{someone.user_id}/transition"
    body = {"pool": pool, "to": "IDLE", "reason": "a test"}
    async with stack.http.post(url, json=body, headers={"Authorization": f"Bearer {SECRET}"}) as answer:
        assert answer.status == 200, await answer.text()
    await asyncio.sleep(1)  # the event comes first
    is_over.set()
    await someone.sees_screen("landing")
    await someone.sees("#notice", "An operator took you out of the line.")
