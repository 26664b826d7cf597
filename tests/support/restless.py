"""People who press buttons all the time, and whose streams come back by themselves, as browsers' do."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import aiohttp

from tests.support.person import Person
from tests.support.replay import assert_nothing_lost
from tests.support.waiting import eventually

_PAUSE_S = 0.15  # between two buttons, on average
_COME_BACK_S = 0.3


class Restless:
    """What a crowd does, and what it was answered."""

    def __init__(self, people: Sequence[Person]) -> None:
        self.statuses: Counter[int] = Counter()  #: Of all answers to actions.
        self._people = people
        self._pressing: list[asyncio.Task[None]] = []
        self._listening: list[asyncio.Task[None]] = []
        self._at_rest = False

    async def start(self) -> None:
        """Everybody listens and begins to press."""
        self._listening = [asyncio.create_task(self._listen(someone)) for someone in self._people]
        for someone in self._people:
            await self._is_listening(someone)
        self._pressing = [
            asyncio.create_task(self._press(someone, random.Random(number)))  # noqa: S311  # to be repeated
            for number, someone in enumerate(self._people)
        ]

    async def have_moved(self) -> None:
        """Waits until everybody has been told of a step: before that, nobody has anything to lose."""
        for someone in self._people:

            async def moved(someone: Person = someone) -> bool:
                return bool([event["seq"] for event in someone.events if "seq" in event][-1] > 0)

            await eventually(moved, what="a step")

    async def rest(self) -> None:
        """Nobody presses any more, and all that was pressed is answered; the streams stay."""
        self._at_rest = True
        await asyncio.gather(*self._pressing)

    async def stop(self) -> None:
        """Nobody does anything."""
        await _end([*self._pressing, *self._listening])

    async def go_home(self) -> None:
        """Everybody ends whatever there is, and hears that it is at home: nobody is stuck."""
        for someone in self._people:

            async def at_home(someone: Person = someone) -> bool:
                status, answer = await someone.request("POST", "/api/matching/end")
                return status == 200 and answer["state"] == "IDLE"

            await eventually(at_home, what="a way home")
        for someone in self._people:
            await self._is_told(someone)

    def have_lost_nothing(self) -> None:
        """Everybody was told of every step, once and in order."""
        for someone in self._people:
            assert_nothing_lost(someone)

    async def _is_told(self, someone: Person) -> None:
        async def told() -> bool:
            states = [(event["state"], event["seq"]) for event in someone.events if "seq" in event]
            status = await someone.get("status")
            return bool(states) and states[-1] == (status["state"], status["seq"])

        await eventually(told, what="the stream says where its user stands")

    async def _is_listening(self, someone: Person) -> None:
        async def listening() -> bool:
            return bool(someone.events)

        await eventually(listening, what="an open stream")

    async def _listen(self, someone: Person) -> None:
        while True:
            with suppress(aiohttp.ClientError, AssertionError, TimeoutError):  # refused, or cut
                await someone.listen(someone.last_event_id)
            while someone.listening:
                await asyncio.sleep(_COME_BACK_S)
            await asyncio.sleep(_COME_BACK_S)

    async def _press(self, someone: Person, rng: random.Random) -> None:
        while not self._at_rest:
            await asyncio.sleep(rng.uniform(0, 2 * _PAUSE_S))
            action = rng.choices(["enqueue", "skip", "end"], [6, 3, 1])[0]
            status, answer = await someone.request("POST", f"/api/matching/{action}")
            self.statuses[status] += 1
            assert status in (200, 409, 503), answer


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended


@asynccontextmanager
async def restless(people: Sequence[Person]) -> AsyncIterator[Restless]:
    """They are restless until the context ends."""
    crowd = Restless(people)
    try:
        await crowd.start()
        yield crowd
    finally:
        await crowd.stop()
