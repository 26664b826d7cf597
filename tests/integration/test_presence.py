"""Who is not there: not matched while out of sight, and out of everything when away for too long."""

from collections.abc import AsyncIterator

import pytest

from dormparty_sse.store.keys import pool_key
from tests.support.calls import part
from tests.support.crowd import crowd
from tests.support.person import Person
from tests.support.replay import told_of_every_step
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually

UNREACHABLE_AFTER_S = 2
STALE_AFTER_S = 10


@pytest.fixture(scope="module")
async def hasty_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Here people are given up soon."""
    async with running_stack(
        tmp_path_factory.mktemp("hasty"),
        PRESENCE_INTERVAL_S="0.3",
        UNREACHABLE_AFTER_S=str(UNREACHABLE_AFTER_S),
        COME_BACK_S="1",
        STALE_AFTER_S=str(STALE_AFTER_S),
    ) as running:
        yield running


async def unseen_for(stack: Stack, someone: Person, seconds: float) -> None:
    """Waits until the person has not been seen for so long, without looking through its eyes."""

    async def unseen() -> bool:
        seen = await stack.redis.zscore(pool_key(someone.pool, "presence"), someone.user_id)
        return await stack.now() - (seen or 0) > seconds * 1000

    await eventually(unseen, seconds + 5, "unseen")


async def has_state(stack: Stack, someone: Person, state: str) -> None:
    """Waits until the person has a state, without looking through its eyes."""

    async def is_so() -> bool:
        return (await stack.user(someone.pool, someone.user_id))["state"] == state

    await eventually(is_so, STALE_AFTER_S + 5, state)


async def test_who_is_out_of_sight_waits_on_but_is_not_matched(hasty_stack: Stack) -> None:
    async with crowd(hasty_stack, 3) as (silent, a, b):
        await silent.post("enqueue")
        await unseen_for(hasty_stack, silent, UNREACHABLE_AFTER_S)
        await a.listen()
        await a.post("enqueue")
        assert (await a.get("status"))["holdReason"] == "alone-in-queue"
        await b.post("enqueue")
        match = await a.event("new-match")
        assert match["partnerId"] == b.user_id
        assert await hasty_stack.queue(a.pool) == []

        # Seen again in time, it meets the next one, from the place it had.
        assert await silent.state() == "WAITING"
        await a.post("end")
        await b.post("end")
        assert await silent.state() == "WAITING"
        await a.post("enqueue")
        again = await a.event("new-match")
        assert (again["user1"], again["user2"]) == (silent.user_id, a.user_id)
        await a.post("end")


async def test_open_stream_is_enough_to_be_seen(hasty_stack: Stack) -> None:
    async with crowd(hasty_stack, 1) as (listening,):
        await listening.listen()
        await listening.post("enqueue")
        queued_at: int = (await listening.event("queued"))["timestamp"]

        async def silent_for_long() -> bool:
            return await hasty_stack.now() - queued_at > (STALE_AFTER_S + 1) * 1000

        await eventually(silent_for_long, STALE_AFTER_S + 10)
        assert await hasty_stack.queue(listening.pool) == [listening.user_id]
        assert listening.listening


async def test_who_is_away_for_too_long_is_out_of_the_queue(hasty_stack: Stack) -> None:
    async with crowd(hasty_stack, 1) as (silent,):
        await silent.post("enqueue")
        await has_state(hasty_stack, silent, "IDLE")
        assert await hasty_stack.queue(silent.pool) == []
        assert (await hasty_stack.user(silent.pool, silent.user_id))["lastReason"] == "stale"
        await silent.listen()
        assert (await silent.post("enqueue"))["seq"] == 3


async def test_who_has_no_stream_and_asks_for_nothing_for_too_long_frees_its_partner(
    hasty_stack: Stack,
) -> None:
    async with crowd(hasty_stack, 2) as (silent, partner):
        await partner.listen()
        for someone in (partner, silent):
            await someone.post("enqueue")
        match = await partner.event("new-match")
        await silent.join(await silent.match())
        await partner.join(match)
        await partner.event("call-started")
        forced = await partner.event("force-disconnect", timeout_s=STALE_AFTER_S + 5)
        assert (forced["reason"], forced["initiatedBy"]) == ("stale", silent.user_id)
        assert forced["sessionId"] == match["sessionId"]
        await part(partner)
        await partner.event("requeued")
        await has_state(hasty_stack, silent, "IDLE")

        # Coming back, it finds out what happened.
        notification = (await silent.get("check-disconnect"))["notification"]
        assert (notification["reason"], notification["targetState"]) == ("stale", "IDLE")
        await told_of_every_step(partner)
