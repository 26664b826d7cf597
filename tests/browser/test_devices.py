"""Camera and microphone: refused, off, and on again."""

from tests.browser.conftest import NewVisitor
from tests.browser.visitor import meet


async def test_who_refuses_the_camera_still_gets_into_a_call(
    new_refusing_visitor: NewVisitor, new_visitor: NewVisitor
) -> None:
    a, b = await new_refusing_visitor(), await new_visitor()
    await a.press("#start")
    await a.sees("#waiting [data-media-problem]", "Your camera and microphone are blocked.")
    await b.press("#start")

    await a.sees_screen("call")
    await a.sees_partner()
    await a.sees("#media-problem", "see or hear you.")
    await b.sees_screen("call")
    await b.sees("#curtain", "Their camera is off.")
    await b.sees("#call-chip", "Their microphone is off")
    await b.sees_not("#media-problem")


async def test_who_has_no_camera_at_all_still_gets_into_a_call(
    new_bare_visitor: NewVisitor, new_visitor: NewVisitor
) -> None:
    a, b = await new_bare_visitor(), await new_visitor()
    await a.press("#start")
    await a.sees("#waiting [data-media-problem]", "No camera or microphone found.")
    await b.press("#start")

    await a.sees_screen("call")
    await a.sees_partner()
    await a.sees("#media-problem", "No camera or microphone found.")
    await a.sees("#media-problem", "see or hear you.")
    await b.sees_screen("call")
    await b.sees("#curtain", "Their camera is off.")
    await b.sees("#call-chip", "Their microphone is off")
    await b.sees_not("#media-problem")


async def test_a_camera_turned_off_and_on_is_seen_by_the_partner(new_visitor: NewVisitor) -> None:
    a, b = await new_visitor(), await new_visitor()
    await meet(a, b)

    await a.press("#toggle-camera")
    await a.sees("#toggle-camera[aria-pressed=false]")
    assert await a.asks("document.getElementById('local-video').srcObject === null")
    await b.sees("#curtain", "Their camera is off.")

    await a.press("#toggle-camera")
    await b.sees_partner()


async def test_a_muted_microphone_stays_muted_in_the_next_call(new_visitor: NewVisitor) -> None:
    a, b = await new_visitor(), await new_visitor()
    await meet(a, b)
    await a.press("#toggle-mic")
    await b.sees("#call-chip", "Their microphone is off")
    await a.press("#end")
    await a.sees_screen("landing")

    await a.press("#start")
    await a.sees_screen("call")
    await a.sees("#toggle-mic[aria-pressed=false]")
    await b.sees("#call-chip", "Their microphone is off")
