"""The partner is away for a moment: the page says so for as long as it is so, and no longer."""

import re
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from playwright.async_api import Route

from dormparty_sse.store.keys import pool_key
from tests.browser.conftest import NewVisitor
from tests.browser.test_access import assert_fits
from tests.browser.visitor import Visitor, meet, see_each_other
from tests.support.proxy import Proxy
from tests.support.stack import Stack, clean_stack
from tests.support.waiting import eventually

SIGN = "Your partner\u2019s connection is being repaired…"

_HEAR = """
window.heard = [];
const { dispatchEvent } = EventTarget.prototype;
EventTarget.prototype.dispatchEvent = function (event) {
  const done = dispatchEvent.call(this, event);
  if (event.detail?.mark) window.heard.push(event.detail.mark);
  return done;
};
"""
_OVERLAP = """(...selectors) => {
  const [a, b] = selectors.map((selector) => document.querySelector(selector).getBoundingClientRect());
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}"""
_TIME_TO_DRAW_MS = 1_500


@pytest.fixture(scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """With time enough to come back on a slow machine, where nobody counts as silent for being slow."""
    directory = tmp_path_factory.mktemp("patient")
    patience = {"CONNECT_TIMEOUT_S": "15", "COME_BACK_S": "6", "UNREACHABLE_AFTER_S": "20"}
    async with clean_stack(directory, **patience) as running:
        yield running


async def tell(stack: Stack, pool: str, someone: Visitor, **event: Any) -> None:
    """Puts an event into a visitor's log and on its stream, and waits until the page has it."""
    mark = await stack.redis.incr("test:marks")
    data = orjson.dumps({**event, "timestamp": round(await stack.now()), "mark": mark}).decode()
    event_id = str(await stack.redis.xadd(pool_key(pool, "log", someone.user_id), {"data": data}))
    await stack.redis.publish(pool_key(pool, "events", someone.user_id), f"{event_id} {data}")
    await someone.becomes(f"window.heard.includes({mark})")


async def forget_last_event(someone: Visitor) -> None:
    """From now on the page asks for what came after an event that no log holds, and so gets a snapshot."""

    async def ask(route: Route) -> None:
        await route.continue_(headers={**route.request.headers, "last-event-id": "1-1"})

    await someone.page.route(re.compile(r"/api/matching/events"), ask)
    await someone.asks("window.dispatchEvent(new Event('online'))")  # for a new stream


async def sign_stays(someone: Visitor, *, hidden: bool) -> None:
    """The sign is, or is not, on the page, also after a while."""
    await someone.page.wait_for_timeout(_TIME_TO_DRAW_MS)
    shown = await someone.asks("document.getElementById('reconnecting').checkVisibility()")
    text = await someone.page.locator("#reconnecting").text_content()
    # On a slow machine one's own connection may be shaky, of which the same place speaks, and first.
    assert not (shown and text == SIGN) if hidden else shown


async def test_a_partner_who_is_away_and_back_is_spoken_of(network: Proxy, new_visitor: NewVisitor) -> None:
    a, b = await new_visitor(), await new_visitor(url=network.url)
    await meet(a, b)
    await network.shut()
    await a.sees("#reconnecting", SIGN)
    await a.sees("#status", SIGN)
    await network.open()
    await a.sees_not("#reconnecting")
    await see_each_other(a, b)
    assert (await a.status())["state"] == "IN_CALL"


async def test_the_sign_is_gone_with_the_call(network: Proxy, new_visitor: NewVisitor) -> None:
    a, b, c = await new_visitor(), await new_visitor(url=network.url), await new_visitor()
    await meet(a, b)
    await network.shut()
    await a.sees("#reconnecting", SIGN)
    await a.sees_screen("waiting")
    await a.sees("#notice", "The connection to your partner was lost.")
    await a.sees_not("#reconnecting")
    await c.press("#start")
    await see_each_other(a, c)
    await sign_stays(a, hidden=True)
    await network.open()


@pytest.mark.parametrize(("width", "height"), [(360, 740), (740, 360)])
async def test_the_sign_has_its_place_on_a_phone(
    network: Proxy, new_visitor: NewVisitor, width: int, height: int
) -> None:
    a, b = await new_visitor(width=width, height=height), await new_visitor(url=network.url)
    await meet(a, b)
    await network.shut()
    await a.sees("#reconnecting", SIGN)
    await assert_fits(a, "#reconnecting", "#skip", "#end")
    for place in ("#timer", ".own"):
        assert not await a.asks(f"({_OVERLAP})('#reconnecting', '{place}')"), place
    await network.open()
    await a.sees_not("#reconnecting")


async def test_what_is_said_of_another_match_is_not_shown(
    stack: Stack, pool: str, new_visitor: NewVisitor
) -> None:
    a, b = await new_visitor(), await new_visitor()
    await a.page.add_init_script(_HEAR)
    await a.page.reload()
    await meet(a, b)
    session_id = (await a.status())["match"]["sessionId"]
    ends_at = round(await stack.now()) + 60_000

    await tell(stack, pool, a, type="partner-reconnecting", sessionId="another", endsAt=ends_at)
    await sign_stays(a, hidden=True)
    await tell(stack, pool, a, type="partner-reconnecting", sessionId=session_id, endsAt=ends_at)
    await a.sees("#reconnecting", SIGN)
    await tell(stack, pool, a, type="partner-back", sessionId="another")
    await sign_stays(a, hidden=False)
    await tell(stack, pool, a, type="partner-back", sessionId=session_id)
    await a.sees_not("#reconnecting")


async def test_a_partner_who_came_back_unheard_is_there(
    stack: Stack, pool: str, network: Proxy, other_network: Proxy, new_visitor: NewVisitor
) -> None:
    a, b = await new_visitor(url=network.url), await new_visitor(url=other_network.url)
    await meet(a, b)
    await other_network.shut()
    await a.sees("#reconnecting", SIGN)
    await network.shut()
    await other_network.open()

    async def is_back() -> bool:
        return await stack.redis.zscore(pool_key(pool, "away"), b.user_id) is None

    await eventually(is_back, what="b is back")
    await forget_last_event(a)
    await network.open()
    await a.sees_not("#reconnecting")
    await sign_stays(a, hidden=True)
    assert (await a.status())["state"] == "IN_CALL"
