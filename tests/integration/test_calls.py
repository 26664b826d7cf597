"""Two people and their call, by the real LiveKit and the `livekit` client."""

import json

from dormparty_sse.store.keys import pool_key
from tests.conftest import NewPerson
from tests.support.calls import all_become, meet, pair, part, steps
from tests.support.livekit import room_is_gone, room_of
from tests.support.replay import told_of_every_step
from tests.support.stack import Stack

CALL = [("queued", "WAITING"), ("new-match", "CONNECTING"), ("call-started", "IN_CALL")]


async def test_skip_sends_both_back_to_the_queue_and_they_meet_again_after_the_cooldown(
    new_person: NewPerson,
) -> None:
    a, b = await new_person(), await new_person()
    first = await meet(a, b)

    answer = await a.post("skip", sessionId=first["sessionId"])
    assert answer["outcome"] == "skipped"
    assert (await a.event("skip-confirmed"))["targetState"] == "WAITING"
    assert (await b.event("force-disconnect"))["reason"] == "partner-skipped"
    for someone in (a, b):
        closing = await someone.event("room-closing")
        assert closing["roomName"] == first["roomName"]
        await someone.leave_room()
        await someone.post("room-close-ack", roomName=closing["roomName"])
        await someone.event("requeued")

    held = await a.get("status")
    assert held["holdReason"] == "cooldown"
    assert isinstance(held["estimatedWaitSeconds"], int)
    assert held["estimatedWaitSeconds"] >= 1
    again = await a.event("new-match")
    late_by = again["timestamp"] - held["holdUntil"]
    assert 0 <= late_by < 1000
    assert again["sessionId"] != first["sessionId"]
    await a.post("end")


async def test_room_has_two_places_before_anybody_is_told_of_it(stack: Stack, new_person: NewPerson) -> None:
    a, b = await new_person(), await new_person()
    match = await pair(a, b)
    room = await room_of(stack, match["roomName"])
    assert room
    assert room.max_participants == 2
    sid = await stack.redis.hget(pool_key(a.pool, "match", match["sessionId"]), "roomSid")
    assert room.sid == sid


async def test_both_are_told_of_the_same_match_and_of_each_other(new_person: NewPerson) -> None:
    a, b = await new_person(), await new_person()
    await a.post("enqueue", interests=["Music", "chess"])
    await b.post("enqueue", interests=["chess", "films"])
    await all_become("CONNECTING", a, b)
    ours, theirs = await a.match(), await b.match()

    for own in ("partnerId", "token"):
        assert ours.pop(own) != theirs.pop(own)
    assert ours == theirs
    assert (ours["user1"], ours["user2"]) == (a.user_id, b.user_id)
    assert ours["commonInterests"] == ["chess"]


async def test_end_sends_home_who_pressed_it_and_the_partner_back_to_the_queue(
    stack: Stack, new_person: NewPerson
) -> None:
    a, b = await new_person(), await new_person()
    match = await meet(a, b)

    answer = await a.post("end", sessionId=match["sessionId"])
    assert (answer["outcome"], answer["state"]) == ("ended", "DISCONNECTING")
    assert (await a.event("end-confirmed"))["targetState"] == "IDLE"
    forced = await b.event("force-disconnect")
    assert (forced["reason"], forced["initiatedBy"]) == ("partner-ended", a.user_id)
    assert forced["targetState"] == "WAITING"
    await part(a, b)

    await a.event("idle")
    await b.event("requeued")
    assert await stack.queue(a.pool) == [b.user_id]
    await room_is_gone(stack, match["roomName"])
    for someone in (a, b):
        await told_of_every_step(someone)
    closed = [("room-closing", None)]
    assert steps(a) == [*CALL, ("end-confirmed", "DISCONNECTING"), *closed, ("idle", "IDLE")]
    assert steps(b) == [*CALL, ("force-disconnect", "DISCONNECTING"), *closed, ("requeued", "WAITING")]


async def test_beacon_of_a_closed_page_ends_the_call(stack: Stack, new_person: NewPerson) -> None:
    a, b = await new_person(), await new_person()
    await meet(a, b)

    beacon = {
        "Cookie": f"dormparty_session={a.token}",
        "Content-Type": "text/plain;charset=UTF-8",
        "Origin": stack.url,
    }
    body = json.dumps({"userId": a.user_id})
    async with stack.http.post(f"{stack.url}/api/matching/leave", data=body, headers=beacon) as answer:
        assert answer.status == 200, await answer.text()
        assert (await answer.json())["outcome"] == "ended"

    forced = await b.event("force-disconnect")
    assert (forced["reason"], forced["initiatedBy"]) == ("partner-left", a.user_id)
    await part(b)
    await b.event("requeued")
    await a.becomes("IDLE")
    assert await stack.queue(a.pool) == [b.user_id]


async def test_who_does_not_leave_the_room_is_let_go_by_itself(stack: Stack, new_person: NewPerson) -> None:
    a, b = await new_person(), await new_person()
    match = await meet(a, b)
    await a.post("skip")
    for someone in (a, b):
        closing = await someone.event("room-closing")
        requeued = await someone.event("requeued")
        assert requeued["timestamp"] - closing["timestamp"] < 2_000
    await room_is_gone(stack, match["roomName"])


async def test_end_while_leaving_the_room_turns_the_way_to_the_queue_into_the_way_home(
    stack: Stack, new_person: NewPerson
) -> None:
    a, b = await new_person(), await new_person()
    await meet(a, b)
    assert (await a.post("skip"))["outcome"] == "skipped"
    answer = await b.post("end")
    assert (answer["outcome"], answer["state"]) == ("ended", "DISCONNECTING")
    await part(a, b)
    await a.event("requeued")
    await b.event("idle")
    assert await stack.queue(a.pool) == [a.user_id]
    assert (await b.post("end"))["outcome"] == "idle"


async def test_skip_sends_both_to_the_tail_behind_those_who_waited(
    stack: Stack, new_person: NewPerson
) -> None:
    a, b, c = [await new_person() for _ in range(3)]
    await meet(a, b)
    await c.post("enqueue")
    assert await stack.queue(a.pool) == [c.user_id]
    await a.post("skip")
    await part(a)
    # C waited longest, and A was in the queue again before B.
    match = await a.event("new-match")
    assert (match["user1"], match["user2"]) == (c.user_id, a.user_id)
    await part(b)
    await b.event("requeued")
    assert await stack.queue(a.pool) == [b.user_id]
