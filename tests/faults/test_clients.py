"""Clients that die, dither, come twice or do nothing: whoever is with them is soon free again."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.alone import WATCH
from tests.support.away import is_away
from tests.support.calls import join_both, meet, pair, part, steps
from tests.support.client_process import client_process
from tests.support.crowd import crowd
from tests.support.faults import is_ready
from tests.support.livekit import room_is_gone
from tests.support.person import same_person
from tests.support.replay import told_of_every_step
from tests.support.stack import Stack, running_stack
from tests.support.vanish import vanish


@pytest.fixture(scope="module")
async def own_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with running_stack(tmp_path_factory.mktemp("stack"), CONNECT_TIMEOUT_S="15") as running:
        yield running


async def test_a_client_killed_in_line_meets_nobody(own_stack: Stack) -> None:
    async with crowd(own_stack, 3) as (killed, a, b):
        async with client_process(killed, joins=True) as client:
            await client.is_in("WAITING")
            client.kill()
        await is_away(own_stack, killed)
        match = await pair(a, b)
        assert match["partnerId"] == b.user_id
        for someone in (a, b, killed):
            await someone.post("end")


@pytest.mark.parametrize(("joins", "state"), [(False, "CONNECTING"), (True, "IN_CALL")])
async def test_a_client_killed_in_a_match_frees_its_partner_soon(
    own_stack: Stack, state: str, *, joins: bool
) -> None:
    async with crowd(own_stack, 2) as (killed, partner):
        await partner.listen()
        async with client_process(killed, joins=joins) as client:
            await client.is_in("WAITING")
            await partner.post("enqueue")
            match = await partner.event("new-match")
            await partner.join(match)
            await client.is_in(state)
            client.kill()
            killed_at = time.monotonic()
        await partner.event("partner-reconnecting")
        forced = await partner.event("force-disconnect")
        WATCH.was_alone("a browser dies", time.monotonic() - killed_at)
        assert (forced["reason"], forced["initiatedBy"]) == ("connection-lost", killed.user_id)
        await part(partner)
        assert (await partner.event("requeued"))["position"] == 1
        assert await own_stack.queue(partner.pool) == [partner.user_id]
        await room_is_gone(own_stack, match["roomName"])
        await told_of_every_step(partner)


async def test_a_page_that_closes_frees_its_partner_at_once(own_stack: Stack) -> None:
    async with crowd(own_stack, 2) as (closes, partner):
        await meet(closes, partner)
        closed_at = time.monotonic()
        await closes.post("leave")  # the beacon
        await closes.hang_up()
        forced = await partner.event("force-disconnect")
        WATCH.was_alone("a page closes", time.monotonic() - closed_at)
        assert (forced["reason"], forced["initiatedBy"]) == ("partner-left", closes.user_id)
        await part(partner)
        await told_of_every_step(partner)


async def test_a_page_whose_network_vanishes_frees_its_partner(own_stack: Stack) -> None:
    async with crowd(own_stack, 2) as (vanishes, partner):
        await meet(vanishes, partner)
        assert vanishes.stream_answer
        vanish(vanishes.stream_answer)
        vanished_at = time.monotonic()
        forced = await partner.event("force-disconnect", timeout_s=25)
        WATCH.was_alone("a network vanishes", time.monotonic() - vanished_at)
        assert forced["reason"] == "connection-lost"
        await part(partner)


async def test_the_newer_of_two_tabs_goes_on_with_the_call(own_stack: Stack) -> None:
    async with crowd(own_stack, 2) as (older, partner), same_person(older) as newer:
        match = await meet(older, partner)
        connected = await newer.listen()
        assert connected["match"]["sessionId"] == match["sessionId"]
        await older.event("superseded")
        await older.leave_room()  # before the newer one is in it
        await newer.join(await newer.match())
        await asyncio.sleep(6)  # longer than somebody may be alone
        assert [await newer.state(), await partner.state()] == ["IN_CALL", "IN_CALL"]
        assert steps(partner)[-1] == ("call-started", "IN_CALL")
        await newer.post("end")
        await part(newer, partner)


async def test_a_tab_that_takes_over_and_never_joins_frees_the_partner(own_stack: Stack) -> None:
    async with crowd(own_stack, 2) as (older, partner), same_person(older) as newer:
        await meet(older, partner)
        await newer.listen()
        await older.event("superseded")
        await older.leave_room()
        forced = await partner.event("force-disconnect", timeout_s=10)
        assert (forced["reason"], forced["initiatedBy"]) == ("connection-lost", older.user_id)
        await part(newer, partner)
        await newer.post("end")


async def test_a_client_that_never_publishes_is_in_the_call_all_the_same(own_stack: Stack) -> None:
    async with crowd(own_stack, 2) as (a, b):
        await meet(a, b)  # these never publish anything
        await asyncio.sleep(7)  # two reconciliations, and longer than somebody may be alone
        assert [await a.state(), await b.state()] == ["IN_CALL", "IN_CALL"]
        await a.post("skip")
        await part(a, b)


async def test_an_ack_of_a_wrong_room_acknowledges_nothing(own_stack: Stack) -> None:
    async with crowd(own_stack, 4) as (a, b, c, d):
        match = await meet(a, b)
        other = await meet(c, d)
        await a.post("end", sessionId=match["sessionId"])
        for room in (other["roomName"], "dormparty.x", "", "no room at all"):
            status, answer = await b.request("POST", "/api/matching/room-close-ack", json={"roomName": room})
            assert status in {200, 422}
            assert status == 422 or answer["outcome"] == "nothing-to-acknowledge"
        assert [await c.state(), await d.state()] == ["IN_CALL", "IN_CALL"]
        await b.becomes("WAITING")  # after the second it had
        await c.post("end")
        for someone in (a, b, c, d):
            await someone.leave_room()


@pytest.mark.parametrize("action", ["end", "leave", "skip", "leave the room"])
async def test_both_leave_in_the_same_instant(own_stack: Stack, action: str) -> None:
    async with crowd(own_stack, 2) as (a, b):
        match = await meet(a, b)
        if action == "leave the room":
            await asyncio.gather(a.leave_room(), b.leave_room())
        else:
            await asyncio.gather(*(one.post(action, sessionId=match["sessionId"]) for one in (a, b)))
            await part(a, b)
        await room_is_gone(own_stack, match["roomName"])
        for someone in (a, b):
            await someone.post("end")
            await told_of_every_step(someone)
            assert [kind for kind, _ in steps(someone)].count("room-closing") == 1


async def test_calls_go_on_when_redis_is_restarted(own_stack: Stack) -> None:
    async with crowd(own_stack, 4) as (a, b, c, d):
        match = await meet(a, b)
        await pair(c, d)
        await own_stack.redis_server.restart()
        await is_ready(own_stack)
        await join_both(c, d)
        await asyncio.sleep(5)
        for someone in (a, b, c, d):
            assert await someone.state() == "IN_CALL"
            await told_of_every_step(someone)
            assert steps(someone)[-1] == ("call-started", "IN_CALL")
        await a.post("end", sessionId=match["sessionId"])
        await c.post("end")
        await part(a, b, c, d)


@pytest.mark.timeout(90)
async def test_redis_away_for_longer_than_anybody_may_be_ends_no_call(directory: Path) -> None:
    async with running_stack(directory) as stack, crowd(stack, 2) as (a, b):
        await meet(a, b)
        await stack.redis_server.terminate()
        await asyncio.sleep(12)
        await stack.redis_server.start()
        await is_ready(stack)
        await asyncio.sleep(5)
        for someone in (a, b):
            assert await someone.state() == "IN_CALL"
            assert steps(someone)[-1][0] in {"call-started", "partner-reconnecting", "partner-back"}
        await a.post("end")
        await part(a, b)
