"""What webhooks have not told, reconciliation finds out from LiveKit, and mends."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from livekit import api

from dormparty_sse.domain.names import new_id, room_name
from dormparty_sse.store.keys import RECONCILIATION_LEASE, RECONCILIATION_TURN, pool_key
from tests.support.calls import invited, pair, part, steps
from tests.support.crowd import crowd
from tests.support.livekit import room_is_gone, room_of
from tests.support.person import Person
from tests.support.replay import told_of_every_step
from tests.support.stack import KEY, SECRET, Stack, running_stack
from tests.support.waiting import PATIENCE_S, eventually

IN_CALL = [("queued", "WAITING"), ("new-match", "CONNECTING"), ("call-started", "IN_CALL")]
ADMIN = {"Authorization": f"Bearer {SECRET}"}


@pytest.fixture(scope="module")
async def deaf_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Its service takes no webhook: they are signed with another key."""
    async with running_stack(
        tmp_path_factory.mktemp("deaf"),
        LIVEKIT_WEBHOOK_KEY="another",
        LIVEKIT_WEBHOOK_SECRET=secrets.token_hex(32),
        CONNECT_TIMEOUT_S="15",
    ) as running:
        yield running


@pytest.fixture
async def livekit(deaf_stack: Stack) -> AsyncIterator[api.LiveKitAPI]:
    """LiveKit as an operator reaches it."""
    async with api.LiveKitAPI(deaf_stack.livekit_server.url, KEY.key, KEY.secret) as livekit:
        yield livekit


async def sync(stack: Stack, pool: str) -> list[dict[str, Any]]:
    """What a reconciliation finds now in a pool."""
    async with stack.http.post(f"{stack.url}/api/sync-room-states", headers=ADMIN) as answer:
        assert answer.status == 200, await answer.text()
        report = await answer.json()
    assert report["livekit"] == "up"
    assert report["counts"] == {
        kind: sum(one["kind"] == kind for one in report["findings"]) for kind in report["counts"]
    }
    return [one for one in report["findings"] if one["pool"] == pool]


async def meet_unannounced(a: Person, b: Person) -> dict[str, Any]:
    """Both join the room of their match. Nobody tells the service, and they are in the call all the same."""
    match = await pair(a, b)
    await a.join(match)
    await b.join(await b.match())
    for someone in (a, b):
        await someone.event("call-started", timeout_s=8)
    return match


async def test_a_call_whose_arrivals_were_not_told_starts(deaf_stack: Stack) -> None:
    async with crowd(deaf_stack, 2) as (a, b):
        await meet_unannounced(a, b)
        for someone in (a, b):
            await told_of_every_step(someone)
            assert steps(someone) == IN_CALL
        await a.post("end")
        await part(a, b)
        await b.post("end")


async def test_a_check_match_is_reason_enough_to_ask_livekit(deaf_stack: Stack) -> None:
    async with crowd(deaf_stack, 2) as (a, b):
        match = await pair(a, b)
        # No turn of the regular reconciliation, which holds this lease while it runs.
        await deaf_stack.redis.set(RECONCILIATION_LEASE, "held", px=60_000)
        try:
            await a.join(match)
            await b.join(await b.match())
            await asyncio.sleep(1.1)  # it was asked for above too, and LiveKit is asked once a second
            assert (await a.get("check-match"))["state"] == "IN_CALL"
        finally:
            await deaf_stack.redis.delete(RECONCILIATION_LEASE)
        for someone in (a, b):
            await someone.event("call-started")
        await a.post("end")
        await part(a, b)
        await b.post("end")


async def test_who_is_alone_in_a_call_is_back_in_front_of_the_line(deaf_stack: Stack) -> None:
    async with crowd(deaf_stack, 3) as (left, leaves, later):
        match = await meet_unannounced(left, leaves)
        await leaves.leave_room()
        left_at = asyncio.get_running_loop().time()
        forced = await left.event("force-disconnect", timeout_s=12)
        assert asyncio.get_running_loop().time() - left_at > 5
        assert (forced["reason"], forced["initiatedBy"]) == ("connection-lost", leaves.user_id)
        await leaves.post("end")
        await later.listen()
        await part(left)
        assert (await left.event("requeued"))["position"] == 1
        await later.post("enqueue")
        again = await invited(left, later)
        assert again["user1"] == left.user_id
        await room_is_gone(deaf_stack, match["roomName"])
        await told_of_every_step(left)
        for someone in (left, later):
            await someone.post("end")


async def test_who_is_missing_for_a_moment_only_is_still_in_the_call(deaf_stack: Stack) -> None:
    async with crowd(deaf_stack, 2) as (a, b):
        match = await meet_unannounced(a, b)
        await b.leave_room()

        async def missed() -> bool:
            key = pool_key(a.pool, "match", match["sessionId"])
            return bool(await deaf_stack.redis.hexists(key, f"absentSince:{b.user_id}"))

        await eventually(missed, what="LiveKit has been asked")
        await b.join(await b.match())

        async def not_missed() -> bool:
            return not await missed()

        await eventually(not_missed, what="LiveKit has been asked again")
        await asyncio.sleep(5)
        assert [await a.state(), await b.state()] == ["IN_CALL", "IN_CALL"]
        await a.post("end")
        await part(a, b)
        await b.post("end")


async def test_a_match_whose_room_is_gone_has_ended(deaf_stack: Stack, livekit: api.LiveKitAPI) -> None:
    async with crowd(deaf_stack, 2) as (a, b):
        match = await meet_unannounced(a, b)
        await livekit.room.delete_room(api.DeleteRoomRequest(room=match["roomName"]))
        for someone in (a, b):
            forced = await someone.event("force-disconnect", timeout_s=8)
            assert (forced["reason"], forced["initiatedBy"]) == ("room-finished", None)
            assert forced["targetState"] == "WAITING"
        again = await invited(a, b)
        assert again["sessionId"] != match["sessionId"]
        await a.post("end")
        await b.post("end")


async def test_a_room_of_ours_without_a_match_is_deleted_and_others_are_left_alone(
    deaf_stack: Stack, livekit: api.LiveKitAPI
) -> None:
    pool = f"pool-{secrets.token_hex(6)}"
    orphan = room_name(pool, new_id())
    foreign = ["somebody-elses", "dormparty", f"dormparty.{pool}", f"dormparty-check-{new_id()}"]
    for name in (orphan, *foreign):
        await livekit.room.create_room(api.CreateRoomRequest(name=name))
    await room_is_gone(deaf_stack, orphan)
    for name in foreign:
        assert await room_of(deaf_stack, name)
        await livekit.room.delete_room(api.DeleteRoomRequest(room=name))


async def test_a_stranger_in_a_room_is_removed(deaf_stack: Stack) -> None:
    async with crowd(deaf_stack, 3) as (a, b, stranger):
        match = await pair(a, b)
        await a.join(match)
        grants = api.VideoGrants(room_join=True, room=match["roomName"])
        token = api.AccessToken(KEY.key, KEY.secret).with_grants(grants).with_identity("stranger").to_jwt()
        room = await stranger.join(match | {"token": token})
        gone = asyncio.Event()
        room.on("disconnected", lambda _: gone.set())
        async with asyncio.timeout(PATIENCE_S):
            await gone.wait()
        await b.join(await b.match())  # the place is free again
        await a.event("call-started")
        await a.post("end")
        await part(a, b)
        await b.post("end")


async def test_a_listed_match_without_a_record_is_forgotten(deaf_stack: Stack) -> None:
    async with crowd(deaf_stack, 1) as (someone,):
        matches = pool_key(someone.pool, "matches")
        await deaf_stack.redis.zadd(matches, {"ghost" * 4: 1})

        async def forgotten() -> bool:
            return await deaf_stack.redis.zcard(matches) == 0

        await eventually(forgotten, what="the match is forgotten")


async def test_the_report_says_what_was_found_and_done(deaf_stack: Stack, livekit: api.LiveKitAPI) -> None:
    pool = f"pool-{secrets.token_hex(6)}"
    session = new_id()
    name = room_name(pool, session)
    await livekit.room.create_room(api.CreateRoomRequest(name=name))
    found: list[dict[str, Any]] = []
    url = f"{deaf_stack.url}/api/sync-room-states"

    async def reported() -> bool:
        async with deaf_stack.http.get(url, headers=ADMIN) as answer:
            report = await answer.json()
        found.extend(one for one in report["findings"] if one["pool"] == pool)
        return bool(found)

    await eventually(reported, what="the report of whoever had the turn")
    assert found[0] == {
        "kind": "no-match",
        "pool": pool,
        "sessionId": session,
        "roomName": name,
        "userId": None,
        "done": "The room was deleted.",
    }
    assert await sync(deaf_stack, pool) == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_only_operators_may_ask(deaf_stack: Stack, method: str) -> None:
    async with crowd(deaf_stack, 1) as (someone,):
        assert (await someone.request(method, "/api/sync-room-states"))[0] == 403
    async with aiohttp.request(method, f"{deaf_stack.url}/api/sync-room-states") as answer:
        assert answer.status == 401


async def test_a_process_that_dies_while_it_reconciles_is_soon_replaced(deaf_stack: Stack) -> None:
    url = f"{deaf_stack.url}/api/sync-room-states"
    # What a process leaves that is killed in its turn: the lease, which runs out, and the turn it had.
    await deaf_stack.redis.set(RECONCILIATION_LEASE, "of one that died", px=2_500)
    await deaf_stack.redis.set(RECONCILIATION_TURN, 1, px=3_000)
    died_at = await deaf_stack.now()

    async def replaced() -> int:
        async with deaf_stack.http.get(url, headers=ADMIN) as answer:
            began_at = int((await answer.json())["beganAt"] or 0)
        return began_at if began_at > died_at else 0

    await eventually(replaced, 6, "another run")


async def test_of_two_at_once_one_waits_for_the_other(deaf_stack: Stack) -> None:
    await deaf_stack.redis.set(RECONCILIATION_LEASE, "held by another process", px=1_000)
    began = asyncio.get_running_loop().time()
    await asyncio.gather(*(sync(deaf_stack, "any") for _ in range(3)))
    assert asyncio.get_running_loop().time() - began > 0.8
