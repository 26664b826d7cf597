"""LiveKit dies, hangs and comes back: people keep their place, and it goes on by itself."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dormparty_sse.dev.network import LOOPBACK
from dormparty_sse.store.keys import pool_key
from tests.support.calls import invited, pair, steps
from tests.support.crowd import crowd
from tests.support.faults import held_still, is_ready, misses
from tests.support.livekit import room_is_gone, room_of
from tests.support.person import Person
from tests.support.proxy import proxy
from tests.support.replay import told_of_every_step
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually
from tests.support.webhooks import deliver, livekit_room

MATCHED = [("queued", "WAITING"), ("new-match", "CONNECTING")]


@pytest.fixture(scope="module")
async def own_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """A stack whose LiveKit is soon given up, and whose people have patience."""
    async with running_stack(
        tmp_path_factory.mktemp("stack"),
        LIVEKIT_TIMEOUT_S="1",
        RESERVATION_S="4",
        CONNECT_TIMEOUT_S="60",
        PAIR_COOLDOWN_S="60",
    ) as running:
        yield running


async def are_held(stack: Stack, *people: Person) -> None:
    """Waits until these people, taken out of the queue, wait for their room."""

    async def held() -> bool:
        users = [await stack.user(someone.pool, someone.user_id) for someone in people]
        return all("reservation" in user and user["state"] == "WAITING" for user in users)

    await eventually(held, what="a reservation")


async def is_closed(stack: Stack, pool: str, session: str) -> None:
    """Waits until LiveKit has confirmed that the match's room is gone."""

    async def closed() -> bool:
        return await stack.redis.hget(pool_key(pool, "match", session), "phase") == "closed"

    await eventually(closed, what="the room's end is confirmed")


async def test_people_keep_their_place_while_livekit_is_away_and_are_matched_when_it_is_back(
    own_stack: Stack,
) -> None:
    async with crowd(own_stack, 6) as people:
        await own_stack.livekit_server.kill()
        answer = await misses(own_stack, "livekit")
        assert answer["redis"]["state"] == "up"
        assert answer["holdReason"] == "rooms-unavailable"
        for someone in people:
            await someone.listen()
            await someone.post("enqueue")
        for place, someone in enumerate(people, start=1):
            status = await someone.get("status")
            assert (status["state"], status["position"], status["seq"]) == ("WAITING", place, 1)
            assert (status["holdReason"], status["holdUntil"]) == ("rooms-unavailable", None)
            await someone.event("queue-update", holdReason="rooms-unavailable")
        assert await own_stack.queue(people[0].pool) == [someone.user_id for someone in people]

        await own_stack.livekit_server.start()
        for first, second in zip(people[::2], people[1::2], strict=True):
            match = await invited(first, second)
            assert (match["user1"], match["user2"]) == (first.user_id, second.user_id)
            assert await room_of(own_stack, match["roomName"])
        await is_ready(own_stack)
        for someone in people:
            await told_of_every_step(someone)
            assert steps(someone) == MATCHED


async def test_pair_whose_room_cannot_be_made_keeps_its_place(own_stack: Stack) -> None:
    async with crowd(own_stack, 3) as (a, b, c):
        for someone in (a, b):
            await someone.listen()
        with held_still(own_stack.livekit_server):
            for someone in (a, b):
                await someone.post("enqueue")
            await are_held(own_stack, a, b)
            await c.post("enqueue")
            await misses(own_stack, "livekit")

            async def all_in_line() -> bool:
                return await own_stack.queue(a.pool) == [a.user_id, b.user_id, c.user_id]

            await eventually(all_in_line, what="the old places")
            for someone in (a, b):
                status = await someone.get("status")
                assert (status["state"], status["seq"]) == ("WAITING", 1)
                assert status["holdReason"] == "rooms-unavailable"

        match = await invited(a, b)
        assert (match["user1"], match["user2"]) == (a.user_id, b.user_id)
        for someone in (a, b):
            await told_of_every_step(someone)
            assert steps(someone) == MATCHED


@pytest.mark.parametrize("action", ["end", "leave"])
async def test_who_leaves_while_the_room_is_made_frees_the_other_at_once(
    own_stack: Stack, action: str
) -> None:
    async with crowd(own_stack, 3) as (a, b, c):
        for someone in (a, b):
            await someone.listen()
        with held_still(own_stack.livekit_server):
            await a.post("enqueue")
            await b.post("enqueue")
            await are_held(own_stack, a, b)
            answer = await a.post(action)
            assert (answer["outcome"], answer["state"]) == ("cancelled", "IDLE")
            assert await own_stack.queue(a.pool) == [b.user_id]
        await is_ready(own_stack)
        await c.post("enqueue")
        match = await b.event("new-match")
        assert match["partnerId"] == c.user_id
        await told_of_every_step(a)
        assert steps(a) == [("queued", "WAITING"), ("idle", "IDLE")]
        await b.post("end")


async def test_room_whose_deletion_livekit_was_slow_to_confirm_is_deleted(own_stack: Stack) -> None:
    async with crowd(own_stack, 2) as (a, b):
        match = await pair(a, b)
        room = await livekit_room(own_stack, a, match)
        await deliver(own_stack, room.joined(a.user_id), room.joined(b.user_id))
        with held_still(own_stack.livekit_server):
            await a.post("skip")
            for someone in (a, b):
                await someone.post("room-close-ack", roomName=match["roomName"])
                assert await someone.state() == "WAITING"
            await misses(own_stack, "livekit")
        await room_is_gone(own_stack, match["roomName"])
        await is_closed(own_stack, a.pool, match["sessionId"])


async def test_deletion_of_a_room_is_tried_until_livekit_confirms_it(directory: Path) -> None:
    async with (
        proxy() as way,
        running_stack(directory, LIVEKIT_URL=f"ws://{LOOPBACK}:{way.port}", LIVEKIT_TIMEOUT_S="1") as stack,
    ):
        await way.open(int(stack.livekit_server.url.rpartition(":")[2]))
        await is_ready(stack)
        async with crowd(stack, 2) as (a, b):
            match = await pair(a, b)
            await way.shut()
            await a.post("skip")
            await misses(stack, "livekit")
            assert await room_of(stack, match["roomName"])
            await way.open()
            await room_is_gone(stack, match["roomName"])
            await is_closed(stack, a.pool, match["sessionId"])


async def test_room_that_died_with_livekit_counts_as_deleted(own_stack: Stack) -> None:
    async with crowd(own_stack, 2) as (a, b):
        match = await pair(a, b)
        await own_stack.livekit_server.kill()
        try:
            await misses(own_stack, "livekit")
            answer = await a.post("end")
            assert (answer["outcome"], answer["state"]) == ("ended", "IDLE")
            assert (await b.event("force-disconnect"))["reason"] == "partner-ended"
            await b.event("requeued")
        finally:
            await own_stack.livekit_server.start()
        await is_closed(own_stack, a.pool, match["sessionId"])
