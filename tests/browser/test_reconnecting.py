"""The network goes away and comes back."""

from tests.browser.conftest import NewVisitor
from tests.browser.visitor import meet
from tests.support.proxy import Proxy


async def test_a_cut_stream_is_resumed_and_tells_what_was_missed(
    network: Proxy, new_visitor: NewVisitor
) -> None:
    a, b = await new_visitor(url=network.url), await new_visitor()
    await meet(a, b)

    await network.shut()
    await a.sees("#reconnecting", "Reconnecting")
    await a.sees_partner()  # the call itself goes on
    await b.press("#skip")
    await b.sees_screen("waiting")
    await network.open()
    await a.sees_screen("waiting")
    await a.sees("#notice", "Your partner skipped.")
    await a.sees_not("#reconnecting")


async def test_start_without_a_network_says_so_and_recovers(network: Proxy, new_visitor: NewVisitor) -> None:
    a = await new_visitor(url=network.url)
    async with a.page.expect_response("**/api/matching/events"):
        await a.page.reload()
    await a.asks("fetch('/healthz').then(() => true)")  # by when the stream's first event is there too
    await network.shut()
    await a.press("#start")
    await a.sees_screen("error")
    await network.open()
    # At once: the page tries by itself, too, and then there is nothing left to press.
    await a.asks("document.getElementById('retry').click()")
    await a.sees_screen("waiting")
    await a.sees("#position", "next in line")
