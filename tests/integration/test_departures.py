"""Who is out of the room, as LiveKit sees it: goodbyes, crashes, and the room's own end."""

from collections.abc import AsyncIterator

import pytest

from dormparty_sse.store.keys import pool_key
from tests.conftest import NewPerson
from tests.support.calls import meet, pair, steps
from tests.support.crowd import crowd
from tests.support.livekit import room_is_gone, room_of
from tests.support.participant import participant_process
from tests.support.replay import told_of_every_step
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
async def patient_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Here nobody is let go by the passing of time alone."""
    async with running_stack(tmp_path_factory.mktemp("patient"), LEAVE_TIMEOUT_S="60") as running:
        yield running


async def test_client_that_leaves_the_room_untold_frees_its_partner_at_once(
    stack: Stack, new_person: NewPerson
) -> None:
    a, b = await new_person(), await new_person()
    match = await meet(a, b)
    await a.leave_room()

    forced = await b.event("force-disconnect", timeout_s=3)
    assert (forced["reason"], forced["initiatedBy"]) == ("partner-left", a.user_id)
    await b.event("room-closing")
    await b.leave_room()
    await b.event("requeued")
    await a.becomes("IDLE")
    assert await stack.queue(a.pool) == [b.user_id]
    await room_is_gone(stack, match["roomName"])
    await told_of_every_step(b)


@pytest.mark.timeout(90)
async def test_partner_of_a_killed_client_is_freed_once_livekit_has_noticed(
    stack: Stack, new_person: NewPerson
) -> None:
    left_behind, killed = await new_person(), await new_person()
    match = await pair(left_behind, killed)
    await left_behind.join(match)
    async with participant_process(await killed.match()) as process:
        await left_behind.event("call-started")
        process.kill()
        forced = await left_behind.event("force-disconnect", timeout_s=40)  # LiveKit takes about 20 s
    assert (forced["reason"], forced["initiatedBy"]) == ("connection-lost", killed.user_id)
    assert forced["targetState"] == "WAITING"
    await killed.post("end")
    notification = (await left_behind.get("check-disconnect"))["notification"]
    assert notification["reason"] == "connection-lost"
    await left_behind.leave_room()
    requeued = await left_behind.event("requeued")
    assert (requeued["position"], (await left_behind.get("status"))["state"]) == (1, "WAITING")
    await room_is_gone(stack, match["roomName"])
    await told_of_every_step(left_behind)


async def test_client_that_joins_anew_is_no_departure(stack: Stack, new_person: NewPerson) -> None:
    a, b = await new_person(), await new_person()
    await meet(a, b)
    first = a.room
    assert first
    first_sid = first.local_participant.sid
    await a.join(await a.match())  # as a reloaded page does: the same identity, a new session

    async def departure_of_the_first_has_been_told() -> bool:
        return bool(await stack.redis.exists(pool_key(a.pool, "gone", first_sid)))

    await eventually(departure_of_the_first_has_been_told)
    assert [await a.state(), await b.state()] == ["IN_CALL", "IN_CALL"]
    await first.disconnect()

    await a.leave_room()
    assert (await b.event("force-disconnect"))["initiatedBy"] == a.user_id


async def test_leaving_the_room_is_as_good_as_saying_so(patient_stack: Stack) -> None:
    async with crowd(patient_stack, 2) as (a, b):
        await meet(a, b)
        await a.post("end")
        for someone in (a, b):
            await someone.event("room-closing")
            await someone.leave_room()
        await a.event("idle")
        await b.event("requeued")


async def test_room_is_deleted_once_both_are_out(patient_stack: Stack) -> None:
    async with crowd(patient_stack, 2) as (a, b):
        match = await meet(a, b)
        await a.post("skip")
        for someone in (a, b):
            await someone.event("room-closing")
        await a.post("room-close-ack", roomName=match["roomName"])
        assert [await a.state(), await b.state()] == ["WAITING", "DISCONNECTING"]
        assert await room_of(patient_stack, match["roomName"])

        await b.post("room-close-ack", roomName=match["roomName"])
        assert await b.state() == "WAITING"
        await room_is_gone(patient_stack, match["roomName"])
        again = await b.post("room-close-ack", roomName=match["roomName"])
        assert again["outcome"] == "nothing-to-acknowledge"
        for someone in (a, b):
            await told_of_every_step(someone)
            assert steps(someone)[-1] == ("requeued", "WAITING")
            await someone.post("end")
