"""A browser dies, all its processes at once. Nobody is told, and still nobody is left alone."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from playwright.async_api import Playwright

from dormparty_sse.dev.server import Server
from dormparty_sse.store.keys import pool_key
from tests.browser.conftest import NewVisitor, process_of_its_own, visitors
from tests.browser.test_partner_away import SIGN
from tests.browser.visitor import Visitor, meet
from tests.support.stack import Stack
from tests.support.waiting import eventually

BACK_IN_LINE_WITHIN_S = 15  # the bench says how soon; LiveKit alone would take 20 s
LOST = "The connection to your partner was lost."


class Mortal:
    """A visitor in a browser of its own."""

    def __init__(self, visitor: Visitor, process: Server) -> None:
        self.visitor = visitor
        self._process = process

    async def die(self) -> float:
        """Kills the browser. Returns when, by the clock of this machine."""
        self.visitor.is_dead = True
        now = time.time()
        await self._process.kill()
        return now


@pytest.fixture
async def mortal(stack: Stack, pool: str, playwright: Playwright, tmp_path: Path) -> AsyncIterator[Mortal]:
    """Somebody whose browser will die."""
    async with (
        process_of_its_own(playwright, tmp_path / "profile") as (browser, process),
        visitors(browser, stack, pool) as make,
    ):
        yield Mortal(await make(), process)


async def event_of(stack: Stack, pool: str, someone: Visitor, kind: str) -> dict[str, Any]:
    """The last event of a kind that somebody was told."""

    async def told() -> list[dict[str, Any]]:
        log: Any = await stack.redis.xrange(pool_key(pool, "log", someone.user_id))
        return [event for _, entry in log if (event := orjson.loads(entry["data"]))["type"] == kind]

    return (await eventually(told, what=kind))[-1]


async def watch_screens(someone: Visitor) -> None:
    """Notes from now on when which screen is shown, and when the sign is."""
    await someone.page.evaluate("""() => {
        window.shownAt = {};
        const note = (name) => { window.shownAt[name] ??= Date.now() / 1000; };
        const sign = document.getElementById('reconnecting');
        new MutationObserver(() => {
            if (!sign.hidden) note('sign');
            note(document.body.dataset.screen);
        }).observe(document.body, { attributes: true, subtree: true });
    }""")


async def is_away(stack: Stack, pool: str, someone: Visitor) -> None:
    """Waits until the service takes somebody for away."""

    async def away() -> bool:
        return await stack.redis.zscore(pool_key(pool, "away"), someone.user_id) is not None

    await eventually(away, what="away")


async def back_in_line(stack: Stack, pool: str, someone: Visitor, died_at: float) -> None:
    """The one who is left has seen the sign, knows what happened, and is alone in the queue, all in time."""
    await someone.sees_screen("waiting")
    await someone.sees("#notice", LOST)
    await someone.sees_not("#reconnecting")
    requeued = await event_of(stack, pool, someone, "requeued")
    assert requeued["timestamp"] / 1000 - died_at < BACK_IN_LINE_WITHIN_S
    shown_at = await someone.asks("window.shownAt")
    assert died_at < shown_at["sign"] < shown_at["waiting"] < died_at + BACK_IN_LINE_WITHIN_S
    assert await stack.queue(pool) == [someone.user_id]


async def test_a_browser_that_dies_in_a_call_frees_the_partner(
    stack: Stack, pool: str, mortal: Mortal, new_visitor: NewVisitor
) -> None:
    partner = await new_visitor()
    await meet(partner, mortal.visitor)
    await watch_screens(partner)
    died_at = await mortal.die()
    await partner.sees("#status", SIGN)
    await back_in_line(stack, pool, partner, died_at)


async def test_a_browser_that_dies_on_its_way_to_the_call_frees_the_partner(
    stack: Stack, pool: str, mortal: Mortal, new_visitor: NewVisitor
) -> None:
    partner, dies = await new_visitor(), mortal.visitor
    await dies.page.route("**/livekit-client.esm.mjs", lambda route: route.abort())  # it never arrives
    await partner.press("#start")
    await dies.press("#start")
    await partner.sees_screen("call")
    assert (await partner.status())["state"] == "CONNECTING"
    await watch_screens(partner)
    died_at = await mortal.die()
    await partner.sees("#status", SIGN)
    await back_in_line(stack, pool, partner, died_at)


async def test_a_browser_that_dies_in_line_is_matched_with_nobody(
    stack: Stack, pool: str, mortal: Mortal, new_visitor: NewVisitor
) -> None:
    comes, another = await new_visitor(), await new_visitor()
    await mortal.visitor.press("#start")
    await mortal.visitor.sees("#position", "next in line")
    await mortal.die()
    await is_away(stack, pool, mortal.visitor)
    await comes.press("#start")
    await comes.sees("#hold-reason[data-reason=alone-in-queue]")
    await another.press("#start")
    await comes.sees_screen("call")
    assert (await comes.status())["match"]["partnerId"] == another.user_id
