"""Two Skips in the same millisecond: one match ends, once, 200 times over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from dormparty_sse.store.keys import pool_key
from tests.support.calls import Match, invited, join_both, part
from tests.support.crowd import crowd
from tests.support.person import Person
from tests.support.replay import told_of_every_step
from tests.support.stack import Stack, running_stack
from tests.support.webhooks import deliver, livekit_room

Answers = dict[Person, dict[str, Any]]


@pytest.fixture(scope="module")
async def brief_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Two processes. Two people meet again at once, and nobody is let go by the passing of time."""
    async with running_stack(
        tmp_path_factory.mktemp("brief"),
        PAIR_COOLDOWN_S="0.05",
        LEAVE_TIMEOUT_S="20",
        CONNECT_TIMEOUT_S="20",
        WEB_CONCURRENCY="2",
    ) as running:
        yield running


@asynccontextmanager
async def two_in_the_queue(stack: Stack) -> AsyncIterator[tuple[Person, Person]]:
    """Two who press Start once, and meet again after each skip."""
    async with crowd(stack, 2) as (a, b):
        for someone in (a, b):
            await someone.listen()
            await someone.post("enqueue")
        yield a, b
        for someone in (a, b):
            await told_of_every_step(someone)
            await someone.post("end")


async def press_at_once(action: str, *people: Person, match: Match) -> Answers:
    """What each is answered who acts on this match at the same time as the others."""
    answers = await asyncio.gather(
        *(someone.post(action, sessionId=match["sessionId"]) for someone in people)
    )
    return dict(zip(people, answers, strict=True))


async def assert_skipped_once(stack: Stack, match: Match, answers: Answers, *, in_call: bool) -> None:
    """One of the two skipped and the other came too late, in every account of it."""
    by_outcome = {answer["outcome"]: someone for someone, answer in answers.items()}
    assert by_outcome.keys() == {"skipped", "already-processed"}, answers
    skipper, other = by_outcome["skipped"], by_outcome["already-processed"]

    for someone, told in ((skipper, "skip-confirmed"), (other, "force-disconnect")):
        assert told_of(someone, match) == [
            ("new-match", "CONNECTING"),
            *([("call-started", "IN_CALL")] if in_call else []),
            (told, "DISCONNECTING" if in_call else None),
            ("room-closing", None),
            ("requeued", "WAITING"),
        ]
    record = await stack.redis.hgetall(pool_key(skipper.pool, "match", match["sessionId"]))
    assert (record["reason"], record["initiatedBy"]) == ("skip", skipper.user_id)


def told_of(someone: Person, match: Match) -> list[tuple[str, Any]]:
    """All that came on the person's stream about this match."""
    about = [event for event in someone.events if event.get("sessionId") == match["sessionId"]]
    return [(event["type"], event.get("state")) for event in about]


@pytest.mark.parametrize(
    ("repetitions", "how"),
    [(80, "before anybody has joined"), (100, "once LiveKit tells of both"), (20, "in a real call")],
)
async def test_two_skips_at_once_end_one_match_once(brief_stack: Stack, repetitions: int, how: str) -> None:
    async with two_in_the_queue(brief_stack) as (a, b):
        for _ in range(repetitions):
            match = await invited(a, b)
            if how == "once LiveKit tells of both":
                room = await livekit_room(brief_stack, a, match)
                await deliver(brief_stack, room.joined(a.user_id), room.joined(b.user_id))
            elif how == "in a real call":
                await join_both(a, b)

            answers = await press_at_once("skip", a, b, match=match)
            in_call = how != "before anybody has joined"
            if in_call:
                await part(a, b)
            for someone in (a, b):
                await someone.event("requeued", sessionId=match["sessionId"])
            await assert_skipped_once(brief_stack, match, answers, in_call=in_call)


async def test_skip_pressed_twice_skips_once(brief_stack: Stack) -> None:
    async with two_in_the_queue(brief_stack) as (a, b):
        for _ in range(20):
            match = await invited(a, b)
            session = match["sessionId"]
            twice = await asyncio.gather(*(a.post("skip", sessionId=session) for _ in range(2)))
            assert sorted(answer["outcome"] for answer in twice) == ["already-processed", "skipped"]
            for someone, told in ((a, "skip-confirmed"), (b, "force-disconnect")):
                await someone.event("requeued", sessionId=session)
                assert [kind for kind, _ in told_of(someone, match)] == [
                    "new-match",
                    told,
                    "room-closing",
                    "requeued",
                ]


async def test_skip_and_end_at_once_end_one_match_once(brief_stack: Stack) -> None:
    for _ in range(10):
        async with two_in_the_queue(brief_stack) as (a, b):
            match = await invited(a, b)
            session = match["sessionId"]
            skip, end = await asyncio.gather(
                a.post("skip", sessionId=session), b.post("end", sessionId=session)
            )
            outcomes = (skip["outcome"], end["outcome"])
            assert outcomes in {("skipped", "already-processed"), ("already-processed", "ended")}
            for someone in (a, b):  # not by its state: after a skip the two soon meet again
                await someone.event("requeued", sessionId=session)
                assert [kind for kind, _ in told_of(someone, match)].count("room-closing") == 1
            if end["outcome"] == "ended":
                await b.event("idle")
