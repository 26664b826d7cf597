"""People who do what the page does: join the room of each match, leave it when told to, and say so."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
from livekit import rtc

from tests.support.alone import WATCH
from tests.support.person import Event, Person
from tests.support.waiting import eventually

_COME_BACK_S = 0.5
_LOOK_EVERY_S = 0.05
_END_OF_CALL = {"force-disconnect", "room-closing", "skip-confirmed", "end-confirmed"}


class Caller:
    """One of them. `fault` is what happens meanwhile, as tests/support/alone.py calls it."""

    def __init__(self, person: Person, fault: str, *, joins: bool = True) -> None:
        self.person = person
        self.calls = 0  #: Started ones.
        self._fault = fault
        self._joins = joins
        self._session = ""  # whose room it is in, or on the way into
        self._alone_since: float | None = None
        self._together_since: float | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._joining: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listens, and does what it is told, until `stop`."""
        self._tasks = [asyncio.create_task(work) for work in (self._listen(), self._follow())]

        async def listening() -> bool:
            return bool(self.person.events)

        await eventually(listening, 20, "an open stream")

    async def stop(self) -> None:
        """Does nothing any more."""
        for task in self._tasks:
            task.cancel()
        for ended in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
        if self._joining:  # the SDK ends the whole process if a connect is cancelled
            await self._joining
        self._part()

    async def press(self, action: str) -> int:
        """The status of an action; 0 if there was no answer."""
        try:
            status, _ = await self.person.request("POST", f"/api/matching/{action}")
        except (aiohttp.ClientError, TimeoutError):
            return 0
        return status

    async def walk_out(self) -> None:
        """Leaves the room and tells nobody but LiveKit."""
        await self.person.leave_room()
        self._part()

    async def _listen(self) -> None:
        while True:
            with suppress(aiohttp.ClientError, AssertionError, TimeoutError):  # refused, or cut
                await self.person.listen(self.person.last_event_id)
            while self.person.listening:
                await asyncio.sleep(_COME_BACK_S / 2)
            await asyncio.sleep(_COME_BACK_S)

    async def _follow(self) -> None:
        followed = 0
        while True:
            while followed < len(self.person.events):
                event = self.person.events[followed]
                followed += 1
                await self._react(event)
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _react(self, event: Event) -> None:
        match event:
            case {"type": "new-match"} | {"type": "connected", "match": {"sessionId": _}}:
                match = event.get("match") or event
                if self._joins and match["sessionId"] != self._session:
                    self._session = match["sessionId"]
                    self._joining = asyncio.create_task(self._join(match))
            case {"type": "call-started"}:
                self.calls += 1
        if event["type"] in _END_OF_CALL and event["sessionId"] == self._session:
            self._part()
        if event["type"] == "room-closing":
            await self._leave(event["roomName"])

    async def _join(self, match: dict[str, Any]) -> None:
        with suppress(rtc.ConnectError, Exception):  # the room may be gone by now; the service finds out
            await self.person.leave_room()
            room = await self.person.join(match)
            room.on("participant_connected", lambda _: self._meet())
            room.on("participant_disconnected", lambda _: self._miss())
            if room.remote_participants:
                self._meet()

    async def _leave(self, room_name: str) -> None:
        if self._joining:
            await asyncio.wait({self._joining}, timeout=5)
        await self.person.leave_room()
        with suppress(aiohttp.ClientError, TimeoutError):
            await self.person.request("POST", "/api/matching/room-close-ack", json={"roomName": room_name})

    # With whom, and since when

    def _meet(self) -> None:
        if self._alone_since is not None:
            WATCH.was_alone(self._fault, time.monotonic() - self._alone_since)
        self._alone_since = None
        self._together_since = self._together_since or time.monotonic()

    def _miss(self) -> None:
        if self._together_since is not None:
            self._alone_since = time.monotonic()

    def _part(self) -> None:
        now = time.monotonic()
        if self._together_since is not None:
            WATCH.was_in_call(self._fault, (self._alone_since or now) - self._together_since)
        if self._alone_since is not None:
            WATCH.was_alone(self._fault, now - self._alone_since)
        self._alone_since = self._together_since = None


class Traffic:
    """Callers who press Start, then Skip or End. Now and then one walks out of the room and says nothing."""

    def __init__(self, callers: Sequence[Caller], rng: random.Random, *, call_s: float) -> None:
        self.callers = callers
        self.call_s = call_s  #: For how long each of them presses nothing, on average; may be changed.
        self._rng = rng
        self._pressing: list[asyncio.Task[None]] = []
        self._at_rest = False

    async def start(self) -> None:
        """Everybody listens, and begins to press."""
        await asyncio.gather(*(caller.start() for caller in self.callers))
        self._pressing = [asyncio.create_task(self._press(caller)) for caller in self.callers]

    async def has_reached_everybody(self) -> bool:
        """Has everybody been in a call?"""
        return all(caller.calls > 0 for caller in self.callers)

    async def rest(self) -> None:
        """Nobody presses any more; whoever waits goes on waiting."""
        self._at_rest = True
        await asyncio.gather(*self._pressing)

    async def go_home(self) -> None:
        """Everybody ends whatever there is, and is at home then: nobody is stuck."""
        for caller in self.callers:
            await ends(caller)

    async def _press(self, caller: Caller) -> None:
        while not self._at_rest:
            await asyncio.sleep(self._rng.uniform(0, 2 * self.call_s))
            action = self._rng.choices(["enqueue", "skip", "end", "walk out"], [6, 2, 1, 1])[0]
            if action == "walk out":
                await caller.walk_out()
            else:
                assert await caller.press(action) in (0, 200, 409, 503)


async def ends(caller: Caller) -> None:
    """Presses End until it is at home."""

    async def at_home() -> bool:
        await caller.press("end")
        try:
            return await caller.person.state() == "IDLE"
        except (aiohttp.ClientError, AssertionError):
            return False

    await eventually(at_home, 20, "a way home")


@asynccontextmanager
async def traffic(
    people: Sequence[Person], fault: str, *, seed: int = 1, call_s: float = 1.5
) -> AsyncIterator[Traffic]:
    """These people call each other until the context ends."""
    callers = [Caller(someone, fault) for someone in people]
    calling = Traffic(callers, random.Random(seed), call_s=call_s)  # noqa: S311  # to be repeated
    try:
        await calling.start()
        yield calling
    finally:
        await asyncio.gather(*(caller.stop() for caller in callers))
