"""A person who gets events by polling, as a client does that cannot stream."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.support.person import Event, Person
from tests.support.stack import Stack
from tests.support.waiting import eventually

PATH = "/api/matching/events"


class Poller:
    """Each poll asks from where the last answer ended. `someone.events` has what came, as from a stream."""

    def __init__(self, someone: Person) -> None:
        self.someone = someone
        self.last_event_id: str | None = None
        self.answers = 0  #: To `poll`.

    async def ask(self, last_event_id: str | None = None) -> dict[str, Any]:
        """The answer of one poll."""
        query = {"poll": "1"} | ({"lastEventId": last_event_id} if last_event_id else {})
        status, answer = await self.someone.request("GET", PATH, params=query)
        assert status == 200, answer
        assert answer.keys() == {"events", "lastEventId"}
        return answer

    async def poll(self) -> list[Event]:
        """One poll, from where the last one ended."""
        answer = await self.ask(self.last_event_id)
        self.answers += 1
        self.last_event_id = answer["lastEventId"]
        events: list[Event] = answer["events"]
        self.someone.events += events
        return events

    async def follow(self, pause_s: float) -> None:
        """Polls again and again, for ever."""
        while True:
            await self.poll()
            await asyncio.sleep(pause_s)


async def generation(stack: Stack, someone: Person) -> str:
    """Which of the user's streams is the newest; '' before the first."""
    return (await stack.user(someone.pool, someone.user_id)).get("streamGeneration", "")


@asynccontextmanager
async def pending(stack: Stack, poller: Poller) -> AsyncIterator[asyncio.Task[list[Event]]]:
    """A poll that waits; given up when the context ends."""
    before = await generation(stack, poller.someone)
    task = asyncio.create_task(poller.poll())

    async def begun() -> bool:
        return await generation(stack, poller.someone) != before

    try:
        await eventually(begun, what="a poll")
        assert not task.done()
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def following(*pollers: Poller, pause_s: float = 0) -> AsyncIterator[None]:
    """They have a first answer, and poll until the context ends, each `pause_s` after its last answer."""
    tasks = [asyncio.create_task(poller.follow(pause_s)) for poller in pollers]

    async def answered() -> bool:
        return all(poller.answers for poller in pollers)

    try:
        await eventually(answered, what="first answers")
        yield
    finally:
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
