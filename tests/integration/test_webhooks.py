"""Webhooks: twice, late, in another order, about others, or absurd, they lead to the same state."""

from itertools import permutations

import pytest

from tests.conftest import NewPerson
from tests.support.calls import Match, all_become, pair, steps
from tests.support.person import Person
from tests.support.replay import told_of_every_step
from tests.support.stack import Stack
from tests.support.webhooks import LiveKitRoom, Webhook, deliver, livekit_room

IN_CALL = [("queued", "WAITING"), ("new-match", "CONNECTING"), ("call-started", "IN_CALL")]
FREED = [("force-disconnect", "DISCONNECTING"), ("room-closing", None), ("requeued", "WAITING")]
HOME = [("end-confirmed", "DISCONNECTING"), ("room-closing", None), ("idle", "IDLE")]


async def matched(stack: Stack, new_person: NewPerson) -> tuple[Person, Person, LiveKitRoom, Match]:
    """Two people who are CONNECTING, and the room to say things of."""
    a, b = await new_person(), await new_person()
    match = await pair(a, b)
    return a, b, await livekit_room(stack, a, match), match


async def assert_states(states: dict[Person, str]) -> None:
    assert {someone: await someone.state() for someone in states} == states


async def test_call_starts_once_when_both_have_joined_however_often_livekit_says_so(
    stack: Stack, new_person: NewPerson
) -> None:
    a, b, room, _ = await matched(stack, new_person)
    a_joined, b_joined = room.joined(a.user_id), room.joined(b.user_id)
    await deliver(stack, a_joined, a_joined)
    await assert_states({a: "CONNECTING", b: "CONNECTING"})
    await deliver(stack, b_joined, b_joined, a_joined, room.joined(a.user_id), room.joined(b.user_id))
    await all_become("IN_CALL", a, b)
    for someone in (a, b):
        await told_of_every_step(someone)
        assert steps(someone) == IN_CALL


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_call_ends_once_in_whatever_order_its_end_is_told(
    stack: Stack, new_person: NewPerson, order: tuple[int, ...]
) -> None:
    a, b, room, match = await matched(stack, new_person)
    await deliver(stack, room.joined(a.user_id), room.joined(b.user_id))
    await a.post("end", sessionId=match["sessionId"])
    told = [
        room.left(a.user_id),
        room.left(b.user_id, reason="ROOM_DELETED"),
        room.finished(),
    ]
    for _ in range(2):
        await deliver(stack, *(told[n] for n in order for _ in range(2)))
    await assert_states({a: "IDLE", b: "WAITING"})
    for someone, end in ((a, HOME), (b, FREED)):
        await told_of_every_step(someone)
        assert steps(someone) == IN_CALL + end


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_coming_and_going_each_told_twice_lead_to_one_state_in_any_order(
    stack: Stack, new_person: NewPerson, order: tuple[int, ...]
) -> None:
    a, b, room, _ = await matched(stack, new_person)
    told = [room.joined(a.user_id), room.joined(b.user_id), room.left(a.user_id)]
    for _ in range(2):
        await deliver(stack, *(told[n] for n in order for _ in range(2)))
    await all_become("IDLE", a)
    await all_become("WAITING", b)
    assert await stack.queue(a.pool) == [b.user_id]
    for someone in (a, b):
        await told_of_every_step(someone)
        assert [kind for kind, _ in steps(someone)].count("room-closing") == 1


@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_replaced_session_is_no_departure_in_any_order(
    stack: Stack, new_person: NewPerson, order: tuple[int, ...]
) -> None:
    a, b, room, _ = await matched(stack, new_person)
    told = [
        room.joined(a.user_id, "PA_old", at=1_000),
        room.left(a.user_id, "PA_old", at=1_000, reason="DUPLICATE_IDENTITY"),
        room.joined(a.user_id, "PA_new", at=2_000),
        room.joined(b.user_id),
    ]
    await deliver(stack, *(told[n] for n in order for _ in range(2)))
    await assert_states({a: "IN_CALL", b: "IN_CALL"})


async def test_departure_of_an_old_session_after_the_new_one_has_joined_is_no_departure(
    stack: Stack, new_person: NewPerson
) -> None:
    a, b, room, _ = await matched(stack, new_person)
    await deliver(
        stack,
        room.joined(a.user_id, "PA_old", at=1_000),
        room.joined(b.user_id),
        room.joined(a.user_id, "PA_new", at=2_000),
        room.left(a.user_id, "PA_old", at=1_000, reason="SIGNAL_CLOSE"),
    )
    await assert_states({a: "IN_CALL", b: "IN_CALL"})
    await deliver(stack, room.left(a.user_id, "PA_new", at=2_000, reason="SIGNAL_CLOSE"))
    forced = await b.event("force-disconnect")
    assert (forced["reason"], forced["initiatedBy"]) == ("connection-lost", a.user_id)
    assert (await b.get("check-disconnect"))["notification"]["reason"] == "connection-lost"


async def test_arrival_of_an_old_session_after_the_new_one_does_not_count(
    stack: Stack, new_person: NewPerson
) -> None:
    a, b, room, _ = await matched(stack, new_person)
    await deliver(
        stack,
        room.joined(a.user_id, "PA_new", at=2_000),
        room.joined(a.user_id, "PA_old", at=1_000),
        room.joined(b.user_id),
        room.left(a.user_id, "PA_old", at=1_000, reason="SIGNAL_CLOSE"),
    )
    await assert_states({a: "IN_CALL", b: "IN_CALL"})


async def test_session_known_to_be_gone_starts_no_call(stack: Stack, new_person: NewPerson) -> None:
    a, b, room, _ = await matched(stack, new_person)
    await deliver(
        stack,
        room.left(a.user_id, "PA_old", at=1_000, reason="DUPLICATE_IDENTITY"),
        room.joined(a.user_id, "PA_old", at=1_000),
        room.joined(b.user_id),
    )
    await assert_states({a: "CONNECTING", b: "CONNECTING"})
    await deliver(stack, room.joined(a.user_id, "PA_new", at=2_000))
    await assert_states({a: "IN_CALL", b: "IN_CALL"})


async def test_room_that_livekit_closes_frees_both(stack: Stack, new_person: NewPerson) -> None:
    a, b, room, match = await matched(stack, new_person)
    await deliver(stack, room.joined(a.user_id), room.joined(b.user_id), room.finished(), room.finished())
    for someone in (a, b):
        forced = await someone.event("force-disconnect")
        assert (forced["reason"], forced["initiatedBy"]) == ("room-finished", None)
    # Nobody is to blame, so they may meet again at once.
    for someone in (a, b):
        assert (await someone.event("new-match"))["sessionId"] != match["sessionId"]
        await told_of_every_step(someone)


async def test_room_of_the_same_name_with_another_sid_is_another_room(
    stack: Stack, new_person: NewPerson
) -> None:
    a, b, room, _ = await matched(stack, new_person)
    await deliver(stack, room.joined(a.user_id), room.joined(b.user_id))
    await deliver(stack, LiveKitRoom(name=room.name, sid="RM_another").finished())
    await assert_states({a: "IN_CALL", b: "IN_CALL"})


def absurd(room: LiveKitRoom, member: str) -> list[Webhook]:
    """Events that are signed as they should be, and are about nothing of ours."""
    nowhere = LiveKitRoom(name="somebody-else-s-room", sid=room.sid)
    unknown = LiveKitRoom(name=room.name[:-16] + "x" * 16, sid=room.sid)
    elsewhere = LiveKitRoom(name="dormparty.another-pool." + "y" * 24, sid=room.sid)
    odd = [
        LiveKitRoom(name=name, sid=room.sid) for name in ("", "dormparty..", "x" * 5_000, "{main}\n\x00🎉")
    ]
    return [
        *(made for other in (nowhere, unknown, elsewhere, *odd) for made in all_about(other, member)),
        room.event("track_published", track={"sid": "TR_x", "name": "💥" * 500}),
        room.event("egress_ended"),
        room.event("an_event_of_the_future", news={"deep": [{"er": None}]}),
        room.event(""),
        {},
        room.event("participant_joined"),
        room.event("participant_left"),
        room.joined("somebody-else"),
        room.joined(""),
        room.left("somebody-else"),
        room.left("\x00", "\x00"),
        room.event("participant_left", participant={"identity": "x" * 10_000, "metadata": "[" * 10_000}),
    ]


def all_about(room: LiveKitRoom, member: str) -> list[Webhook]:
    return [room.joined(member), room.left(member), room.finished()]


async def test_absurd_and_foreign_events_are_accepted_and_change_nothing(
    stack: Stack, new_person: NewPerson
) -> None:
    a, b, room, _ = await matched(stack, new_person)
    await deliver(stack, room.joined(a.user_id))
    before = [await stack.user(a.pool, someone.user_id) for someone in (a, b)]
    await deliver(stack, *absurd(room, a.user_id))
    assert [await stack.user(a.pool, someone.user_id) for someone in (a, b)] == before
    await deliver(stack, room.joined(b.user_id))
    await assert_states({a: "IN_CALL", b: "IN_CALL"})


async def test_participant_with_absurd_metadata_counts_like_any_other(
    stack: Stack, new_person: NewPerson
) -> None:
    a, b, room, _ = await matched(stack, new_person)
    for someone in (a, b):
        joined = room.joined(someone.user_id)
        joined["participant"] |= {
            "metadata": '{"userId": "somebody-else"}' + "\x00\u202e💥" * 10_000,
            "name": "]]; redis.call('FLUSHALL')",
            "attributes": {"state": "IDLE"},
            "joinedAtMs": str(2**63 - 1),
            "aFieldOfTheFuture": {"deep": [1, None]},
        }
        await deliver(stack, joined)
    await assert_states({a: "IN_CALL", b: "IN_CALL"})
