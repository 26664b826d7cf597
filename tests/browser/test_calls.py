"""Two people with browsers: they meet, skip, meet again, end, and leave."""

from tests.browser.conftest import NewVisitor
from tests.browser.visitor import TIMEOUT_S, Visitor, meet, see_each_other
from tests.support.stack import Stack
from tests.support.waiting import eventually


async def becomes(stack: Stack, pool: str, someone: Visitor, state: str) -> None:
    async def is_so() -> bool:
        return (await stack.user(pool, someone.user_id)).get("state") == state

    await eventually(is_so, TIMEOUT_S, f"state {state}")


async def test_two_people_meet_skip_meet_again_and_one_ends(
    stack: Stack, pool: str, new_visitor: NewVisitor
) -> None:
    a, b = await new_visitor(), await new_visitor()
    await meet(a, b)
    for someone in (a, b):
        assert (await someone.status())["state"] == "IN_CALL"

    await a.press("#skip")
    await a.sees("#notice", "You skipped.")
    await b.sees("#notice", "Your partner skipped.")
    for someone in (a, b):
        await someone.sees_screen("waiting")
        await someone.sees("#hold-reason[data-reason=cooldown]", "You can meet again in 0:0")
        assert await someone.element("#estimate").text_content() == ""  # no promise while held
        assert (await someone.status())["state"] == "WAITING"
        assert await someone.asks("document.getElementById('remote-video').srcObject === null")

    await see_each_other(a, b)  # the cooldown is over

    await a.press("#end")
    await a.sees_screen("landing")
    await a.sees("#notice", "Call ended.")
    await b.sees_screen("waiting")
    await b.sees("#notice", "Your partner ended the call.")
    await b.sees("#estimate", "usually ")
    await becomes(stack, pool, a, "IDLE")
    await becomes(stack, pool, b, "WAITING")


async def test_closing_the_tab_while_waiting_leaves_the_queue(
    stack: Stack, pool: str, new_visitor: NewVisitor
) -> None:
    a = await new_visitor()
    await a.press("#start")
    await a.sees("#hold-reason[data-reason=alone-in-queue]")
    assert await stack.queue(pool) == [a.user_id]

    await a.page.close()
    await becomes(stack, pool, a, "IDLE")
    assert await stack.queue(pool) == []


async def test_closing_the_tab_in_a_call_frees_the_partner(
    stack: Stack, pool: str, new_visitor: NewVisitor
) -> None:
    a, b = await new_visitor(), await new_visitor()
    await meet(a, b)

    await b.page.close()
    await a.sees_screen("waiting")
    await a.sees("#notice", "Your partner left.")
    await becomes(stack, pool, b, "IDLE")
    await becomes(stack, pool, a, "WAITING")  # `b` may be out of the room first
    assert await stack.queue(pool) == [a.user_id]


async def test_cancel_leaves_the_queue_and_turns_the_camera_off(
    stack: Stack, pool: str, new_visitor: NewVisitor
) -> None:
    a = await new_visitor()
    await a.press("#start")
    await a.becomes("document.getElementById('preview-video').videoWidth > 0")

    await a.press("#cancel")
    await a.sees_screen("landing")
    await becomes(stack, pool, a, "IDLE")
    assert await stack.queue(pool) == []
    assert await a.asks("document.getElementById('preview-video').srcObject === null")


async def test_the_next_call_can_not_be_skipped_by_accident(new_visitor: NewVisitor) -> None:
    a, b = await new_visitor(), await new_visitor()
    await a.press("#start")
    await a.page.evaluate("""() => {
        const skip = document.getElementById('skip');
        new MutationObserver(() => {
            window.skipAtFirst ??= document.body.dataset.screen === 'call' ? skip.disabled : undefined;
        }).observe(document.body, { attributes: true });
    }""")
    await b.press("#start")
    await a.sees_screen("call")
    assert await a.asks("window.skipAtFirst") is True
    await a.becomes("!document.getElementById('skip').disabled")


async def test_a_second_tab_takes_over_and_gives_back(new_visitor: NewVisitor) -> None:
    a = await new_visitor()
    await a.press("#start")
    await a.sees_screen("waiting")

    second = await a.context.new_page()
    await second.goto(a.page.url)
    await second.locator("body[data-screen=waiting]").wait_for()
    await a.sees_screen("superseded")

    await a.press("#use-here")
    await a.sees_screen("waiting")
    await second.locator("body[data-screen=superseded]").wait_for()
    await second.close()  # a page that has been taken over from has nothing to leave
    assert (await a.status())["state"] == "WAITING"


async def test_a_second_tab_takes_over_the_call_and_gives_it_back(
    stack: Stack, pool: str, new_visitor: NewVisitor
) -> None:
    a, b = await new_visitor(), await new_visitor()
    await meet(a, b)
    match = (await a.status())["match"]

    async with a.another_tab() as second:
        await second.sees_screen("call")
        await a.sees_screen("superseded")
        await see_each_other(second, b)
        assert await a.asks("document.getElementById('remote-video').srcObject === null")
        assert await a.asks("document.getElementById('local-video').srcObject === null")
        await becomes(stack, pool, a, "IN_CALL")

        await a.press("#use-here")
        await second.sees_screen("superseded")
        await see_each_other(a, b)
    assert (await b.status())["match"]["sessionId"] == match["sessionId"]
