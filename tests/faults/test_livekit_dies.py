"""LiveKit dies, or cannot be reached, while people are in calls."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dormparty_sse.dev.network import LOOPBACK
from tests.support.alone import WATCH
from tests.support.caller import traffic
from tests.support.calls import meet, part
from tests.support.crowd import crowd
from tests.support.faults import is_ready, misses
from tests.support.proxy import proxy
from tests.support.replay import told_of_every_step
from tests.support.stack import Stack, running_stack

UNREACHABLE_S = 30


@pytest.fixture(scope="module")
async def own_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with running_stack(tmp_path_factory.mktemp("stack"), PAIR_COOLDOWN_S="1") as running:
        yield running


async def test_calls_that_died_with_livekit_end_and_everybody_is_matched_again(own_stack: Stack) -> None:
    async with crowd(own_stack, 8) as people:
        for first, second in zip(people[::2], people[1::2], strict=True):
            await meet(first, second)
        died_at = time.monotonic()
        await own_stack.livekit_server.kill()
        await own_stack.livekit_server.start()
        for someone in people:
            forced = await someone.event("force-disconnect", timeout_s=10)
            assert (forced["reason"], forced["targetState"]) == ("room-finished", "WAITING")
            WATCH.was_alone("LiveKit dies", time.monotonic() - died_at)
            await part(someone)
        for someone in people:
            await someone.event("new-match", timeout_s=10)
            await told_of_every_step(someone)
        for someone in people:
            await someone.post("end")


@pytest.mark.timeout(180)
async def test_livekit_dies_again_and_again_under_traffic(own_stack: Stack) -> None:
    async with crowd(own_stack, 8) as people, traffic(people, "LiveKit dies under traffic") as calling:
        for _ in range(3):
            await asyncio.sleep(3)
            await own_stack.livekit_server.kill()
            await asyncio.sleep(1)
            await own_stack.livekit_server.start()
        await is_ready(own_stack)
        await asyncio.sleep(3)
        await calling.rest()
        await own_stack.assert_sound(people[0].pool)
        await calling.go_home()
        for someone in people:
            await told_of_every_step(someone)


@pytest.mark.timeout(120)
async def test_no_call_ends_because_livekit_cannot_be_reached(directory: Path) -> None:
    async with (
        proxy() as way,
        running_stack(directory, LIVEKIT_URL=f"ws://{LOOPBACK}:{way.port}", LIVEKIT_TIMEOUT_S="1") as stack,
    ):
        await way.open(int(stack.livekit_server.url.rpartition(":")[2]))
        await is_ready(stack)
        async with crowd(stack, 4) as (a, b, c, d):
            await meet(a, b)
            before = len(a.events), len(b.events)
            await way.shut()
            await misses(stack, "livekit")
            for someone in (c, d):
                await someone.listen()
                await someone.post("enqueue")
            await asyncio.sleep(UNREACHABLE_S)
            for someone, seen in zip((a, b), before, strict=True):
                assert {event["type"] for event in someone.events[seen:]} <= {"heartbeat"}
                assert await someone.state() == "IN_CALL"
            assert (await c.get("status"))["holdReason"] == "rooms-unavailable"
            await a.post("end")  # what needs no room goes on
            await part(a, b)
            await b.post("end")
            await way.open()
            for someone in (c, d):
                await someone.event("new-match")
            await c.post("end")
            await d.post("end")
