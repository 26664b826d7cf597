"""Matches that grow old: a call has a longest duration, and an ended match is forgotten after a while."""

from collections.abc import AsyncIterator

import pytest

from dormparty_sse.store.keys import pool_key
from tests.support.calls import meet, part
from tests.support.crowd import crowd
from tests.support.livekit import room_is_gone
from tests.support.replay import told_of_every_step
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
async def hasty_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Here calls are short, and so is the memory of them."""
    async with running_stack(
        tmp_path_factory.mktemp("hasty"), LONGEST_CALL_S="2", MATCH_MEMORY_S="2", PAIR_COOLDOWN_S="60"
    ) as running:
        yield running


async def test_a_call_that_is_too_long_ends_and_is_forgotten(hasty_stack: Stack) -> None:
    async with crowd(hasty_stack, 2) as (a, b):
        match = await meet(a, b)
        for someone in (a, b):
            forced = await someone.event("force-disconnect", sessionId=match["sessionId"])
            assert (forced["reason"], forced["initiatedBy"]) == ("room-finished", None)
            assert forced["targetState"] == "WAITING"
            await someone.post("end")
        await part(a, b)
        await room_is_gone(hasty_stack, match["roomName"])

        async def forgotten() -> bool:
            return not await hasty_stack.redis.exists(pool_key(a.pool, "match", match["sessionId"]))

        await eventually(forgotten, what="the match is forgotten")
        for someone in (a, b):
            await told_of_every_step(someone)
