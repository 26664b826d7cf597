"""A process that stops says so to its streams, ends well, and loses nothing."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.conftest import NewPerson
from tests.support.person import Person
from tests.support.stack import Stack
from tests.support.waiting import eventually


async def is_over(someone: Person) -> None:
    """Waits for the end of the stream."""

    async def ended() -> bool:
        return not someone.listening

    await eventually(ended, what="the end of the stream")


@pytest.mark.parametrize("processes", ["1", "2"])
async def test_a_stopping_service_sends_its_streams_elsewhere(
    processes: str, stack: Stack, new_person: NewPerson, directory: Path
) -> None:
    people = [await new_person() for _ in range(6)]
    async with stack.another_service(directory, WEB_CONCURRENCY=processes) as service:
        for someone in people:
            someone.base_url = service.url
            await someone.listen()
        await people[0].post("enqueue")
        await people[0].event("queued")

        os.kill(service.pid, signal.SIGTERM)
        async with asyncio.timeout(10):
            assert await service.exit() == "ended with status 0"
        for someone in people:
            draining = await someone.event("draining")
            assert "id" not in draining
            await is_over(someone)
            assert someone.events[-1] == draining

    for someone in people:
        someone.base_url = stack.url
        connected = await someone.listen(someone.last_event_id)
        assert connected["resync"] is False
    await people[0].post("end")
    assert (await people[0].event("idle"))["seq"] == 2
