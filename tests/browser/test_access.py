"""Small screens, and keyboards without a mouse."""

import pytest

from tests.browser.conftest import NewVisitor
from tests.browser.visitor import Visitor, meet

_TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
_FOCUSED = "document.activeElement.id"


async def assert_fits(someone: Visitor, *selectors: str) -> None:
    """Nothing scrolls sideways, and these are wholly on the screen."""
    assert await someone.asks(_TOO_WIDE) == 0
    size = someone.page.viewport_size
    assert size
    for selector in selectors:
        box = await someone.element(selector).bounding_box()
        assert box, selector
        assert box["x"] >= 0, selector
        assert box["x"] + box["width"] <= size["width"], selector
        assert box["y"] + box["height"] <= size["height"], selector


@pytest.mark.parametrize(("width", "height"), [(360, 740), (740, 360)])
async def test_a_phone_shows_everything_there_is_to_press(
    new_visitor: NewVisitor, width: int, height: int
) -> None:
    a, b = await new_visitor(width=width, height=height), await new_visitor()
    await assert_fits(a, "#start")
    await a.press("#start")
    await a.sees("#hold-reason")
    await assert_fits(a, "#cancel")
    await b.press("#start")
    await a.sees_screen("call")
    await a.sees_partner()
    await assert_fits(a, "#skip", "#end", "#toggle-mic", "#toggle-camera", "#block", "#report", ".own")
    await a.press("#report")
    await assert_fits(a, "#report-send", "#report-cancel")


async def test_a_keyboard_is_enough(new_visitor: NewVisitor) -> None:
    a, b = await new_visitor(), await new_visitor()
    keys = a.page.keyboard
    while await a.asks(_FOCUSED) != "start":
        await keys.press("Tab")
    await keys.press("Enter")
    await a.sees_screen("waiting")
    assert await a.asks(_FOCUSED) == "waiting-title"
    await keys.press("Enter")  # twice by accident: nothing is cancelled
    await b.press("#start")
    await a.sees_screen("call")
    assert await a.asks(_FOCUSED) == "call-title"
    await a.sees_partner()

    await keys.press("m")
    await a.sees("#toggle-mic[aria-pressed=false]")
    await keys.press("v")
    await a.sees("#toggle-camera[aria-pressed=false]")

    await a.becomes("!document.getElementById('skip').disabled")
    await keys.press("n")
    await a.sees_screen("waiting")
    await a.sees("#notice", "You skipped.")
    await a.sees_screen("call")  # after the cooldown
    await a.becomes("!document.getElementById('end').disabled")
    await keys.press("e")
    await a.sees_screen("landing")
    assert await a.asks(_FOCUSED) == "landing-title"


async def test_shortcuts_can_be_turned_off(new_visitor: NewVisitor) -> None:
    a, b = await new_visitor(), await new_visitor()
    await a.press("#start")
    await a.element("#use-keys").uncheck()
    await b.press("#start")
    await a.sees_partner()
    await a.becomes("!document.getElementById('skip').disabled")

    await a.page.keyboard.press("m")
    await a.page.keyboard.press("n")
    await a.press("#toggle-camera")
    await a.sees("#toggle-camera[aria-pressed=false]")
    assert await a.element("#toggle-mic").get_attribute("aria-pressed") == "true"
    await a.sees_screen("call")


async def test_screen_readers_are_told_what_happens(new_visitor: NewVisitor) -> None:
    a, b = await new_visitor(), await new_visitor()
    await meet(a, b)
    await a.sees("#status", "connected. Say hi.")
    await b.press("#skip")
    await a.sees("#status", "Your partner skipped.")
