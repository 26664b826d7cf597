"""From the match to the call: who leaves before both are in the room, and who never comes."""

import pytest

from tests.conftest import NewPerson
from tests.support.calls import all_become, pair, steps
from tests.support.livekit import room_is_gone
from tests.support.replay import told_of_every_step
from tests.support.stack import Stack

MATCHED = [("queued", "WAITING"), ("new-match", "CONNECTING")]
OVER = ("room-closing", None)


async def test_end_from_connecting_leads_home_by_way_of_the_queue(
    stack: Stack, new_person: NewPerson
) -> None:
    a, b = await new_person(), await new_person()
    match = await pair(a, b)

    answer = await a.post("end", sessionId=match["sessionId"])
    assert (answer["outcome"], answer["state"]) == ("ended", "IDLE")
    assert (await b.event("force-disconnect"))["reason"] == "partner-ended"
    for someone in (a, b):
        await told_of_every_step(someone)

    assert steps(a) == [
        *MATCHED,
        ("end-confirmed", None),
        OVER,
        ("requeued", "WAITING"),
        ("idle", "IDLE"),
    ]
    assert steps(b) == [*MATCHED, ("force-disconnect", None), OVER, ("requeued", "WAITING")]
    assert await stack.queue(a.pool) == [b.user_id]
    await room_is_gone(stack, match["roomName"])


async def test_skip_from_connecting_sends_both_to_the_queue_at_once(
    stack: Stack, new_person: NewPerson
) -> None:
    a, b = await new_person(), await new_person()
    match = await pair(a, b)
    await a.join(match)

    answer = await b.post("skip", sessionId=match["sessionId"])
    assert (answer["outcome"], answer["state"]) == ("skipped", "WAITING")
    assert (await a.event("force-disconnect"))["reason"] == "partner-skipped"
    for someone in (a, b):
        assert (await someone.event("room-closing"))["roomName"] == match["roomName"]
        await someone.event("requeued")
        await told_of_every_step(someone)
    assert steps(b) == [*MATCHED, ("skip-confirmed", None), OVER, ("requeued", "WAITING")]
    assert set(await stack.queue(a.pool)) == {a.user_id, b.user_id}
    assert (await a.get("status"))["holdReason"] == "cooldown"
    await room_is_gone(stack, match["roomName"])


async def test_client_that_gives_up_connecting_frees_its_partner(stack: Stack, new_person: NewPerson) -> None:
    a, b = await new_person(), await new_person()
    match = await pair(a, b)
    await a.join(match)
    await a.leave_room()
    forced = await b.event("force-disconnect")
    assert (forced["reason"], forced["initiatedBy"]) == ("partner-left", a.user_id)
    await b.event("requeued")
    await a.becomes("IDLE")
    assert await stack.queue(a.pool) == [b.user_id]


async def test_who_never_came_goes_home_and_who_came_keeps_the_old_place(
    stack: Stack, new_person: NewPerson
) -> None:
    a, b, later = [await new_person() for _ in range(3)]
    match = await pair(a, b)
    await later.listen()
    await later.post("enqueue")
    await a.join(match)

    # A stands in front of who came later, so these two meet at once, A as the one who waited longer.
    again = await a.event("new-match")
    assert (again["user1"], again["user2"]) == (a.user_id, later.user_id)
    await told_of_every_step(a)
    assert steps(a) == [*MATCHED, ("force-disconnect", None), OVER, ("requeued", "WAITING"), MATCHED[1]]
    requeued = next(event for event in a.events if event["type"] == "requeued")
    assert requeued["position"] == 1

    forced = await b.event("force-disconnect")
    assert (forced["reason"], forced["targetState"]) == ("connect-timeout", "IDLE")
    assert forced["initiatedBy"] == b.user_id
    await b.event("idle")
    await told_of_every_step(b)
    assert steps(b) == [
        *MATCHED,
        ("force-disconnect", None),
        OVER,
        ("requeued", "WAITING"),
        ("idle", "IDLE"),
    ]
    assert b.user_id not in await stack.queue(a.pool)
    await a.post("end")


async def test_match_to_which_neither_comes_sends_both_home(stack: Stack, new_person: NewPerson) -> None:
    a, b = await new_person(), await new_person()
    match = await pair(a, b)
    for someone in (a, b):
        forced = await someone.event("force-disconnect")
        assert (forced["reason"], forced["initiatedBy"]) == ("connect-timeout", None)
        await someone.event("idle")
        await told_of_every_step(someone)
    assert await stack.queue(a.pool) == []
    await room_is_gone(stack, match["roomName"])


@pytest.mark.parametrize("action", ["end", "leave"])
async def test_leaving_the_queue_cancels(stack: Stack, new_person: NewPerson, action: str) -> None:
    a = await new_person()
    await a.listen()
    await a.post("enqueue")
    answer = await a.post(action)
    assert (answer["outcome"], answer["state"]) == ("cancelled", "IDLE")
    await a.event("idle")
    await told_of_every_step(a)
    assert steps(a) == [("queued", "WAITING"), ("idle", "IDLE")]
    assert await stack.queue(a.pool) == []
    assert (await a.post(action))["outcome"] == "idle"


async def test_skip_without_a_match_changes_nothing(stack: Stack, new_person: NewPerson) -> None:
    a = await new_person()
    assert (await a.post("skip"))["outcome"] == "no-active-match"
    await a.post("enqueue")
    answer = await a.post("skip")
    assert (answer["outcome"], answer["state"], answer["seq"]) == ("no-active-match", "WAITING", 1)
    assert await stack.queue(a.pool) == [a.user_id]


async def test_enqueue_in_a_match_is_refused_and_in_the_queue_keeps_the_place(
    stack: Stack, new_person: NewPerson
) -> None:
    a, b = await new_person(), await new_person()
    await a.post("enqueue")
    again = await a.post("enqueue")
    assert (again["alreadyQueued"], again["position"], again["seq"]) == (True, 1, 1)
    await b.post("enqueue")
    await all_become("CONNECTING", a, b)
    before = await stack.user(a.pool, a.user_id)
    status, problem = await a.request("POST", "/api/matching/enqueue", json={})
    assert (status, problem["code"], problem["state"]) == (409, "invalid_state", "CONNECTING")
    assert await stack.user(a.pool, a.user_id) == before
