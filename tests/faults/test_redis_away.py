"""Redis goes away in the middle of a call, and comes back: the call goes on, and nothing is lost."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support.calls import all_become, meet, pair, part, skip_and_go_home, steps
from tests.support.crowd import crowd
from tests.support.faults import is_ready, misses
from tests.support.replay import told_of_every_step
from tests.support.stack import Stack, running_stack
from tests.support.webhooks import deliver, livekit_room, post

IN_CALL = [("queued", "WAITING"), ("new-match", "CONNECTING"), ("call-started", "IN_CALL")]


@pytest.fixture(scope="module")
async def own_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with running_stack(tmp_path_factory.mktemp("stack"), CONNECT_TIMEOUT_S="30") as running:
        yield running


async def test_call_and_streams_survive_a_restart_of_redis(own_stack: Stack) -> None:
    async with crowd(own_stack, 2) as (a, b):
        match = await meet(a, b)
        await own_stack.redis_server.restart()
        await is_ready(own_stack)
        assert [await a.state(), await b.state()] == ["IN_CALL", "IN_CALL"]
        answer = await a.post("end", sessionId=match["sessionId"])
        assert answer["outcome"] == "ended"
        assert (await b.event("force-disconnect"))["reason"] == "partner-ended"
        await part(a, b)
        await a.event("idle")
        await b.event("requeued")
        for someone in (a, b):
            await told_of_every_step(someone)
            assert [event["type"] for event in someone.events].count("connected") == 1


async def test_no_request_fails_any_more_once_redis_is_back(own_stack: Stack) -> None:
    async with crowd(own_stack, 4) as people:

        async def ask_at_once() -> list[int]:
            """The statuses of many requests, so many that the process needs several connections."""
            asking = [someone.request("GET", "/api/matching/status") for someone in people * 10]
            return [status for status, _ in await asyncio.gather(*asking)]

        for _ in range(2):
            assert set(await ask_at_once()) == {200}
            await own_stack.redis_server.restart()
            await is_ready(own_stack)
            assert set(await ask_at_once()) == {200}


async def test_what_happens_in_a_call_while_no_event_can_be_published_is_told_afterwards(
    own_stack: Stack,
) -> None:
    async with crowd(own_stack, 2) as (a, b):
        await meet(a, b)
        await own_stack.redis.client_kill_filter(_type="pubsub")
        await skip_and_go_home(a, b)


async def test_webhook_is_asked_for_again_until_the_state_can_hold_it(own_stack: Stack) -> None:
    async with crowd(own_stack, 2) as (a, b):
        match = await pair(a, b)
        room = await livekit_room(own_stack, a, match)
        webhooks = [room.joined(a.user_id), room.joined(b.user_id)]
        await own_stack.redis_server.terminate()
        try:
            for webhook in webhooks:
                status, problem = await post(own_stack, webhook)
                assert (status, problem["code"]) == (503, "unavailable")
        finally:
            await own_stack.redis_server.start()
        await is_ready(own_stack)
        assert [await a.state(), await b.state()] == ["CONNECTING", "CONNECTING"]
        await deliver(own_stack, *webhooks, *webhooks)
        for someone in (a, b):
            await told_of_every_step(someone)
            assert steps(someone) == IN_CALL


async def test_people_who_join_while_redis_is_away_are_in_the_call_when_it_is_back(own_stack: Stack) -> None:
    async with crowd(own_stack, 2) as (a, b):
        ours = await pair(a, b)
        theirs = await b.match()
        await own_stack.redis_server.terminate()
        try:
            await misses(own_stack, "redis")
            await a.join(ours)
            await b.join(theirs)
        finally:
            await own_stack.redis_server.start()
        await is_ready(own_stack)
        await all_become("IN_CALL", a, b)  # by the webhooks that LiveKit sends again
        for someone in (a, b):
            await told_of_every_step(someone)
            assert steps(someone) == IN_CALL
