"""Streams that end: who is away, for how long its partner is asked to wait, and what ends that."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dormparty_sse.store.keys import pool_key
from tests.support.away import is_away
from tests.support.calls import meet, pair, part, steps
from tests.support.crowd import crowd
from tests.support.faults import held_still
from tests.support.person import Person
from tests.support.proxy import proxy
from tests.support.replay import told_of_every_step
from tests.support.stack import Stack, running_stack
from tests.support.vanish import vanish
from tests.support.waiting import eventually

COME_BACK_S = 3
AT_ONCE_S = 2  # so that nobody has come back, or been given up, by then


@pytest.fixture(scope="module")
async def own_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """With the clocks that people have, and LiveKit slow to be given up."""
    async with running_stack(tmp_path_factory.mktemp("stack"), PAIR_COOLDOWN_S="60") as running:
        yield running


async def nothing_but(someone: Person, seconds: float) -> list[str]:
    """What comes on a stream within so long that is not of the moment."""
    seen = len(someone.events)
    await asyncio.sleep(seconds)
    kinds = [event["type"] for event in someone.events[seen:]]
    return [kind for kind in kinds if kind not in {"queue-update", "heartbeat"}]


async def test_a_browser_that_dies_frees_its_partner_after_3_seconds(own_stack: Stack) -> None:
    async with crowd(own_stack, 2) as (dies, partner):
        match = await meet(dies, partner)
        died_at = time.monotonic()
        await dies.hang_up()
        shaky = await partner.event("partner-reconnecting", timeout_s=AT_ONCE_S)
        assert shaky["sessionId"] == match["sessionId"]
        assert shaky["endsAt"] - shaky["timestamp"] == COME_BACK_S * 1000
        forced = await partner.event("force-disconnect")
        assert time.monotonic() - died_at > COME_BACK_S
        assert (forced["reason"], forced["initiatedBy"]) == ("connection-lost", dies.user_id)
        await part(partner)
        assert (await partner.event("requeued"))["position"] == 1
        await told_of_every_step(partner)
        assert await own_stack.queue(dies.pool) == [partner.user_id]  # not the one who has gone


async def test_whoever_comes_back_in_time_is_still_in_the_call(own_stack: Stack) -> None:
    async with crowd(own_stack, 2) as (blinks, partner):
        match = await meet(blinks, partner)
        for _ in range(2):
            await blinks.hang_up()
            await partner.event("partner-reconnecting", timeout_s=AT_ONCE_S)
            connected = await blinks.listen(blinks.last_event_id)
            assert connected["match"]["sessionId"] == match["sessionId"]
            assert (await partner.event("partner-back", timeout_s=AT_ONCE_S))["sessionId"] == match[
                "sessionId"
            ]
        assert await nothing_but(partner, COME_BACK_S + 1) == []
        assert [await someone.state() for someone in (blinks, partner)] == ["IN_CALL"] * 2
        for someone in (blinks, partner):
            await told_of_every_step(someone)


async def test_whoever_goes_on_with_requests_alone_is_still_in_the_call(own_stack: Stack) -> None:
    async with crowd(own_stack, 2) as (polls, partner):
        await meet(polls, partner)
        await polls.hang_up()
        await partner.event("partner-reconnecting", timeout_s=AT_ONCE_S)
        await polls.post("heartbeat")
        await partner.event("partner-back", timeout_s=AT_ONCE_S)
        assert await nothing_but(partner, 11) == []  # longer than a listener may be silent
        assert await polls.state() == "IN_CALL"


async def test_whoever_dies_in_line_is_matched_with_nobody(own_stack: Stack) -> None:
    async with crowd(own_stack, 2) as (dies, comes):
        await dies.listen()
        await dies.post("enqueue")
        await dies.hang_up()
        await is_away(own_stack, dies)
        await comes.listen()
        await comes.post("enqueue")
        await comes.event("queued")
        assert await nothing_but(comes, 1) == []
        assert (await comes.get("status"))["holdReason"] == "alone-in-queue"

        # Back again, it has the place it had.
        await dies.listen(dies.last_event_id)
        match = await comes.event("new-match")
        assert match["user1"] == dies.user_id
        await comes.post("end")
        await dies.post("end")


async def test_whoever_dies_while_the_room_is_made_is_matched_with_nobody(own_stack: Stack) -> None:
    async with crowd(own_stack, 2) as (dies, waits):
        for someone in (dies, waits):
            await someone.listen()
        with held_still(own_stack.livekit_server):
            for someone in (dies, waits):
                await someone.post("enqueue")

            async def held() -> bool:
                return await own_stack.queue(dies.pool) == []

            await eventually(held, what="a reservation")
            await dies.hang_up()
            await is_away(own_stack, dies)

        async def in_line() -> bool:
            return await own_stack.queue(dies.pool) == [waits.user_id]

        await eventually(in_line, what="the other one is in line again")
        assert steps(waits) == [("queued", "WAITING")]


async def test_whoever_dies_on_the_way_to_the_call_frees_its_partner(own_stack: Stack) -> None:
    async with crowd(own_stack, 2) as (dies, partner):
        await pair(dies, partner)
        await dies.hang_up()
        await partner.event("partner-reconnecting", timeout_s=AT_ONCE_S)
        assert (await partner.event("force-disconnect"))["reason"] == "connection-lost"
        await partner.event("requeued")
        await told_of_every_step(partner)


async def test_a_network_that_vanishes_is_noticed_in_under_20_seconds(own_stack: Stack) -> None:
    async with crowd(own_stack, 2) as (vanishes, partner):
        await meet(vanishes, partner)
        assert vanishes.stream_answer
        vanish(vanishes.stream_answer)
        vanished_at = time.monotonic()
        await partner.event("partner-reconnecting", timeout_s=20)
        forced = await partner.event("force-disconnect", timeout_s=20)
        assert time.monotonic() - vanished_at < 20
        assert (forced["reason"], forced["initiatedBy"]) == ("connection-lost", vanishes.user_id)
        await part(partner)


async def test_a_network_that_vanishes_for_a_moment_is_no_end(own_stack: Stack) -> None:
    async with crowd(own_stack, 2) as (blinks, partner):
        await meet(blinks, partner)
        assert blinks.stream_answer
        vanish(blinks.stream_answer)
        await partner.event("partner-reconnecting", timeout_s=20)
        await blinks.listen(blinks.last_event_id)
        await partner.event("partner-back", timeout_s=AT_ONCE_S)
        assert await nothing_but(partner, COME_BACK_S + 1) == []
        assert await blinks.state() == "IN_CALL"


async def test_a_proxy_that_cuts_all_streams_starts_no_clock_but_that_of_the_silent(
    own_stack: Stack, directory: Path
) -> None:
    async with proxy() as way, own_stack.another_service(directory) as behind:
        await way.open(int(behind.url.rpartition(":")[2]))
        async with crowd(own_stack, 4, url=way.url) as people:
            a, b, c, d = people
            await meet(a, b)
            await meet(c, d)
            await way.cut()
            await asyncio.sleep(COME_BACK_S + 1)
            for someone in people:
                assert await own_stack.redis.zscore(pool_key(a.pool, "away"), someone.user_id) is None
                someone.base_url = own_stack.url
                await someone.listen(someone.last_event_id)
                assert await someone.state() == "IN_CALL"
                assert steps(someone)[-1] == ("call-started", "IN_CALL")


async def test_a_proxy_before_two_processes_may_cut_one_stream_of_each(
    own_stack: Stack, directory: Path
) -> None:
    async with (
        proxy() as way,
        proxy() as other_way,
        own_stack.another_service(directory / "one") as one,
        own_stack.another_service(directory / "two") as two,
    ):
        await way.open(int(one.url.rpartition(":")[2]))
        await other_way.open(int(two.url.rpartition(":")[2]))
        async with (
            crowd(own_stack, 1, url=way.url) as (a,),
            crowd(own_stack, 1, pool=a.pool, url=other_way.url) as (b,),
        ):
            await meet(a, b)
            await asyncio.gather(way.cut(), other_way.cut())
            await asyncio.sleep(COME_BACK_S + 1)
            for someone in (a, b):
                await someone.listen(someone.last_event_id)
                assert await someone.state() == "IN_CALL"
                assert steps(someone)[-1] == ("call-started", "IN_CALL")


async def test_a_slow_connection_is_no_dead_one(own_stack: Stack, directory: Path) -> None:
    """Here everything takes half a second each way, and a ping is sent every second."""
    async with proxy() as way, own_stack.another_service(directory, STREAM_PING_INTERVAL_S="1") as behind:
        await way.open(int(behind.url.rpartition(":")[2]))
        way.latency_s = 0.5
        async with crowd(own_stack, 2, url=way.url) as (a, b):
            await meet(a, b)
            assert await nothing_but(a, 12) == []
            assert await a.state() == "IN_CALL"


async def test_whoever_could_not_be_seen_while_the_service_was_away_is_not_given_up(
    own_stack: Stack,
) -> None:
    """As if the whole service had been away for minutes: signs of life and deadlines are old."""
    async with crowd(own_stack, 3) as (a, b, polls):
        await meet(a, b)
        await polls.post("enqueue")
        long_ago = round(await own_stack.now()) - 300_000
        for someone in (a, b, polls):
            await own_stack.redis.zadd(pool_key(a.pool, "presence"), {someone.user_id: long_ago})
            await own_stack.redis.zadd(
                pool_key(a.pool, "deadlines"), {f"presence:{someone.user_id}": long_ago}
            )

        async def looked_at() -> bool:
            due = await own_stack.redis.zrange(pool_key(a.pool, "deadlines"), 0, 0, withscores=True)
            return float(due[0][1]) > long_ago

        await eventually(looked_at, what="the deadlines have been looked at")
        assert [await someone.state() for someone in (a, b, polls)] == ["IN_CALL", "IN_CALL", "WAITING"]
        assert await nothing_but(a, COME_BACK_S + 1) == []


async def test_a_process_that_is_killed_starts_no_clock_but_that_of_the_silent(
    own_stack: Stack, directory: Path
) -> None:
    async with own_stack.another_service(directory) as other, crowd(own_stack, 2, url=other.url) as (a, b):
        await meet(a, b)
        await other.kill()
        for someone in (a, b):
            someone.base_url = own_stack.url
        await a.listen(a.last_event_id)
        assert await nothing_but(a, COME_BACK_S + 1) == []
        await a.event("partner-reconnecting", timeout_s=7)  # b has not come back
        assert (await a.event("force-disconnect", timeout_s=5))["reason"] == "connection-lost"
        await part(a)


async def test_a_client_that_reconnects_every_second_stays_in_its_call(own_stack: Stack) -> None:
    async with crowd(own_stack, 2) as (restless, partner):
        await meet(restless, partner)
        for _ in range(6):
            await restless.hang_up()
            await asyncio.sleep(1)
            await restless.listen(restless.last_event_id)
        assert [await someone.state() for someone in (restless, partner)] == ["IN_CALL"] * 2
        for someone in (restless, partner):
            await told_of_every_step(someone)
