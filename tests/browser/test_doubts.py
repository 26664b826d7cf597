"""One's own room tells otherwise than the server, which hears of LiveKit only when it is asked to look."""

import itertools
import secrets
from collections.abc import AsyncIterator

import pytest
from livekit import api
from playwright.async_api import Route

from dormparty_sse.store.keys import pool_key
from tests.browser.conftest import NewVisitor
from tests.browser.visitor import Visitor, meet, see_each_other
from tests.support.stack import KEY, Stack, running_stack
from tests.support.waiting import eventually

CHECK_MATCH = "**/api/matching/check-match"
AGAIN_MS = 2_000
_TIMER_SLACK_MS = 50


@pytest.fixture(scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Its service takes no webhook, and looks at all rooms once in a long while."""
    async with running_stack(
        tmp_path_factory.mktemp("deaf"),
        LIVEKIT_WEBHOOK_KEY="another",
        LIVEKIT_WEBHOOK_SECRET=secrets.token_hex(32),
        RECONCILE_INTERVAL_S="3600",
        CONNECT_TIMEOUT_S="60",
    ) as running:
        yield running


async def remove(stack: Stack, someone: Visitor) -> None:
    """Takes a visitor out of its room, as LiveKit itself would."""
    room = (await someone.status())["match"]["roomName"]
    async with api.LiveKitAPI(stack.livekit_server.url, KEY.key, KEY.secret) as livekit:
        await livekit.room.remove_participant(
            api.RoomParticipantIdentity(room=room, identity=someone.user_id)
        )


async def asked_at(someone: Visitor) -> list[float]:
    """When the page has asked, in ms since it was opened."""
    found: list[float] = await someone.asks(
        "performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/check-match'))"
        ".map(({ startTime }) => startTime)"
    )
    return found


async def asks_no_more(someone: Visitor) -> None:
    """The page is content."""
    before = await asked_at(someone)
    await someone.page.wait_for_timeout(AGAIN_MS + 500)
    assert await asked_at(someone) == before


async def keep_quiet(someone: Visitor) -> None:
    """From now on what this page asks does not arrive."""

    async def lose(route: Route) -> None:
        await route.abort()

    await someone.page.route(CHECK_MATCH, lose)


async def test_two_who_see_each_other_get_into_the_call(new_visitor: NewVisitor) -> None:
    a, b = await new_visitor(), await new_visitor()
    await meet(a, b)
    for someone in (a, b):

        async def in_call(someone: Visitor = someone) -> bool:
            return bool((await someone.status())["state"] == "IN_CALL")

        await eventually(in_call, 30, "IN_CALL")
    assert await asked_at(a) + await asked_at(b)
    for someone in (a, b):
        await asks_no_more(someone)


@pytest.mark.parametrize("who", ["the one who is left", "the one who was put out"])
async def test_a_call_that_one_is_out_of_ends(
    stack: Stack, pool: str, new_visitor: NewVisitor, who: str
) -> None:
    a, b = await new_visitor(), await new_visitor()
    await meet(a, b)
    key = pool_key(pool, "user", b.user_id)

    async def in_call() -> bool:
        return bool(await stack.redis.hget(key, "state") == "IN_CALL")

    await eventually(in_call, 30, "IN_CALL")
    session_id = (await a.status())["match"]["sessionId"]
    await keep_quiet(b if who == "the one who is left" else a)
    await remove(stack, b)
    await b.sees("#curtain", "The call was cut off.")
    await a.sees("#status", "The connection to your partner was lost.")
    await b.sees("#status", "Your connection to the call was lost.")
    await see_each_other(a, b)  # who is back in line is matched again
    assert (await a.status())["match"]["sessionId"] != session_id


async def test_a_page_in_doubt_asks_again_but_not_all_the_time(stack: Stack, new_visitor: NewVisitor) -> None:
    a, b = await new_visitor(), await new_visitor()
    for someone in (a, b):
        await keep_quiet(someone)
    await meet(a, b)

    async def asked_often() -> bool:
        return len(await asked_at(a)) >= 3

    await eventually(asked_often, 30, "three questions")
    await a.press("#toggle-mic")  # that something happens in the room makes no difference
    await a.press("#toggle-mic")
    await remove(stack, b)
    await a.page.wait_for_timeout(2 * AGAIN_MS)
    times = await asked_at(a)
    assert len(times) >= 4
    for earlier, later in itertools.pairwise(times):
        assert later - earlier > AGAIN_MS - _TIMER_SLACK_MS
    assert (await a.status())["state"] == "CONNECTING"  # nothing has arrived
    await a.press("#end")
    await a.sees_screen("landing")
    await asks_no_more(a)
