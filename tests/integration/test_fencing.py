"""What is meant for one match never touches another: late actions, late webhooks, other people's matches."""

from collections.abc import AsyncIterator

import pytest

from tests.support.calls import Match, join_both, meet, pair, part
from tests.support.crowd import crowd
from tests.support.person import Person
from tests.support.replay import told_of_every_step
from tests.support.stack import Stack, running_stack
from tests.support.webhooks import deliver, livekit_room

Two = tuple[Person, Person]


@pytest.fixture(scope="module")
async def brief_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Here two people meet again at once, and nobody is let go by the passing of time."""
    async with running_stack(
        tmp_path_factory.mktemp("brief"), PAIR_COOLDOWN_S="0.05", LEAVE_TIMEOUT_S="20"
    ) as running:
        yield running


@pytest.fixture
async def two(brief_stack: Stack) -> AsyncIterator[Two]:
    async with crowd(brief_stack, 2) as (a, b):
        yield a, b


async def everything(stack: Stack, *people: Person) -> list[object]:
    """All there is to know about these people."""
    pool = people[0].pool
    return [await stack.user(pool, someone.user_id) for someone in people] + [await stack.queue(pool)]


async def meet_twice(a: Person, b: Person) -> tuple[Match, Match]:
    """The match they had and the one they are in."""
    first = await meet(a, b)
    await a.post("skip")
    await part(a, b)
    for someone in (a, b):
        await someone.event("new-match")
    return first, await join_both(a, b)


@pytest.mark.parametrize("action", ["skip", "end"])
async def test_late_action_of_the_previous_match_does_not_touch_the_next(
    brief_stack: Stack, two: Two, action: str
) -> None:
    a, b = two
    first, _ = await meet_twice(a, b)
    before = await everything(brief_stack, a, b)
    for someone in (a, b):
        answer = await someone.post(action, sessionId=first["sessionId"])
        assert (answer["outcome"], answer["state"]) == ("already-processed", "IN_CALL")
    assert await everything(brief_stack, a, b) == before
    for someone in (a, b):
        await told_of_every_step(someone)


async def test_late_acknowledgement_of_the_previous_room_does_not_end_the_leaving_of_the_next(
    two: Two,
) -> None:
    a, b = two
    first, second = await meet_twice(a, b)
    await a.post("end")
    for someone in (a, b):
        late = await someone.post("room-close-ack", roomName=first["roomName"])
        assert (late["outcome"], late["state"]) == ("nothing-to-acknowledge", "DISCONNECTING")
        answer = await someone.post("room-close-ack", roomName=second["roomName"])
        assert answer["outcome"] == "acknowledged"
    assert [await a.state(), await b.state()] == ["IDLE", "WAITING"]


async def test_late_webhooks_of_the_previous_room_do_nothing(brief_stack: Stack, two: Two) -> None:
    a, b = two
    first = await meet(a, b)
    old_room = await livekit_room(brief_stack, a, first)
    await a.post("skip")
    await part(a, b)
    for someone in (a, b):
        await someone.event("new-match")
    second = await join_both(a, b)
    before = await everything(brief_stack, a, b)
    await deliver(
        brief_stack,
        old_room.joined(a.user_id, "PA_late"),
        old_room.left(a.user_id, "PA_late"),
        old_room.left(b.user_id, "PA_never_seen", reason="CONNECTION_TIMEOUT"),
        old_room.event("participant_connection_aborted", participant={"identity": b.user_id, "sid": "PA_x"}),
        old_room.finished(),
    )
    assert await everything(brief_stack, a, b) == before
    assert (await a.match())["sessionId"] == second["sessionId"]


async def test_second_skip_without_a_session_id_finds_nothing_left_to_skip(two: Two) -> None:
    a, b = two
    await meet(a, b)
    assert (await a.post("skip"))["outcome"] == "skipped"
    again = await a.post("skip")
    assert (again["outcome"], again["state"]) == ("already-processed", "DISCONNECTING")
    await part(a, b)
    for someone in (a, b):
        await someone.event("new-match")
        await told_of_every_step(someone)


@pytest.mark.parametrize("action", ["skip", "end"])
async def test_match_of_other_people_is_not_ours_to_touch(brief_stack: Stack, two: Two, action: str) -> None:
    a, b = two
    theirs = await meet(a, b)
    async with crowd(brief_stack, 3, pool=a.pool) as (idle, c, d):
        await pair(c, d)
        before = await everything(brief_stack, a, b, c, d, idle)
        session = {"sessionId": theirs["sessionId"]}
        for someone in (idle, c, d):
            status, problem = await someone.request("POST", f"/api/matching/{action}", json=session)
            assert (status, problem["code"]) == (403, "forbidden")
        assert await everything(brief_stack, a, b, c, d, idle) == before

        # Nor is it after it has ended.
        await a.post("end")
        await part(a, b)
        status, problem = await c.request("POST", f"/api/matching/{action}", json=session)
        assert (status, problem["code"]) == (403, "forbidden")
        assert await c.state() == "CONNECTING"
        for someone in (b, c, d):
            await someone.post("end")


async def test_session_that_never_was_changes_nothing(brief_stack: Stack, two: Two) -> None:
    a, b = two
    await meet(a, b)
    before = await everything(brief_stack, a, b)
    for session in ("never-was", "{main}:user:*", "' or 1=1 --", "x" * 128):
        for action in ("skip", "end"):
            answer = await a.post(action, sessionId=session)
            assert (answer["outcome"], answer["state"]) == ("already-processed", "IN_CALL")
    assert await everything(brief_stack, a, b) == before
