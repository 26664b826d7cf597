"""One of two service processes is killed, again and again, while people call each other: nobody is stuck."""

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest

from tests.support.caller import traffic
from tests.support.crowd import crowd
from tests.support.faults import is_ready, workers
from tests.support.replay import told_of_every_step
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually

pytestmark = pytest.mark.busy

KILLS = 100
PEOPLE = 12
PROCESSES = 2
CALL_S = 1
PATIENT_CALL_S = 5  # so that two can join before one of them is off again, also on a slow machine
#: While processes start all the time, it may take long to join.
SETTINGS = {"PAIR_COOLDOWN_S": "1", "CONNECT_TIMEOUT_S": "15"}


async def both_serve(stack: Stack) -> set[int]:
    """Waits until there are two of them; their pids."""

    async def both() -> set[int] | None:
        now = workers(stack.service)
        return now if len(now) == PROCESSES else None

    found = await eventually(both, what="two processes")
    assert found
    return found


@pytest.mark.timeout(400)
async def test_a_hundred_kills_leave_nobody_stuck_and_nothing_orphaned(directory: Path) -> None:
    rng = random.Random(1)  # noqa: S311  # to be repeated
    async with (
        running_stack(directory, WEB_CONCURRENCY=str(PROCESSES), **SETTINGS) as stack,
        crowd(stack, PEOPLE) as people,
        traffic(people, "a service process dies", call_s=CALL_S) as calling,
    ):
        for _ in range(KILLS):
            await asyncio.sleep(rng.uniform(0, 0.5))
            os.kill(rng.choice(sorted(await both_serve(stack))), signal.SIGKILL)
        await both_serve(stack)
        await is_ready(stack)
        calling.call_s = PATIENT_CALL_S
        await eventually(calling.has_reached_everybody, 60, "a call for everybody")
        await calling.rest()
        await stack.assert_sound(people[0].pool)
        await calling.go_home()
        for someone in people:
            await told_of_every_step(someone)
