"""Fifty pairs skip as fast as they can, for a minute."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.support.crowd import crowd
from tests.support.person import Person
from tests.support.replay import assert_gapless, told_of_every_step
from tests.support.stack import running_stack

pytestmark = pytest.mark.busy

PEOPLE = 100
SKIPPING_S = 60
#: They take all the processor there is, and Redis's answers wait for their turn.
SETTINGS = {"PAIR_COOLDOWN_S": "0.5", "LOG_LENGTH": "10000", "REDIS_COMMAND_TIMEOUT": "10"}


async def skip_all_the_time(someone: Person, until: float) -> int:
    """Skips every match as soon as it is told of it; how many there were."""
    skipped, followed = 0, 0
    while time.monotonic() < until:
        while followed < len(someone.events):
            event = someone.events[followed]
            followed += 1
            if event["type"] == "new-match":
                answer = await someone.post("skip", sessionId=event["sessionId"])
                assert answer["outcome"] in {"skipped", "already-processed"}
                skipped += answer["outcome"] == "skipped"
        await asyncio.sleep(0.01)
    return skipped


@pytest.mark.timeout(240)
async def test_fifty_pairs_that_skip_all_the_time_lose_nothing(directory: Path) -> None:
    async with (
        running_stack(directory, **SETTINGS) as stack,
        crowd(stack, PEOPLE) as people,
    ):
        for someone in people:
            await someone.listen()
            await someone.post("enqueue")
        until = time.monotonic() + SKIPPING_S
        skipped = await asyncio.gather(*(skip_all_the_time(someone, until) for someone in people))
        assert sum(skipped) > PEOPLE
        await stack.assert_sound(people[0].pool)
        for someone in people:
            await someone.post("end")
        for someone in people:
            await someone.becomes("IDLE")
            await told_of_every_step(someone)
            assert_gapless(someone.events)
