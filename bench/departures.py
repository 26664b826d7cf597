"""How soon a partner knows that somebody has gone, for each way of going.

Each pair is in a call. One of the two goes; the clock runs from there until the other one's stream says so.
"""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from livekit import rtc

from bench.client import Client
from bench.errors import BenchError
from tests.support.vanish import vanish

_SEED = 1
_PATIENCE_S = 25
_COME_AT_ONCE = 25
_SETTLE_S = 1  # after the last call has begun, until the first one goes


class Person:
    """Somebody whose stream is open, and perhaps in a room."""

    def __init__(self, client: Client, session: dict[str, Any]) -> None:
        self.user_id: str = session["userId"]
        self._client = client
        self._token: str = session["token"]
        self._came: list[tuple[float, dict[str, Any]]] = []
        self._more = asyncio.Event()
        self._room: rtc.Room | None = None
        self._stream = asyncio.create_task(self._read())

    async def event(self, event_type: str, **members: Any) -> tuple[float, dict[str, Any]]:
        """The first event of this type with these members, and when it came. Raises BenchError."""
        deadline = asyncio.get_running_loop().time() + _PATIENCE_S
        while True:
            for at, event in self._came:
                if event["type"] == event_type and members.items() <= event.items():
                    return at, event
            self._more.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._more.wait()
            except TimeoutError:
                raise BenchError(f"no {event_type} {members} within {_PATIENCE_S} s") from None

    async def post(self, action: str, **body: Any) -> dict[str, Any]:
        """The answer to an action."""
        return await self._client.post(self._token, action, **body)

    async def join(self, match: dict[str, Any], *, really: bool) -> None:
        """Comes into the room, or only LiveKit is made to have said so."""
        if really:
            self._room = rtc.Room()
            await self._room.connect(match["livekitUrl"], match["token"])
        else:
            await self._client.webhook("participant_joined", match["roomName"], self.user_id)

    async def leave_room(self) -> None:
        """Out of the room, if in one."""
        if self._room:
            await self._room.disconnect()
            self._room = None

    async def die(self) -> None:
        """The stream's connection is closed without a word."""
        self._stream.cancel()
        await asyncio.gather(self._stream, return_exceptions=True)

    async def vanish(self) -> None:
        """Nothing reaches this person any more, and the service is not told."""
        vanish(self._client.stream_of(self._token))

    async def _read(self) -> None:
        async for at, event in self._client.events(self._token):
            self._came.append((at, event))
            self._more.set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way of going."""

    name: str
    go: Callable[[Person], Awaitable[Any]]
    seen_as: str  #: The reason that the partner is told.
    goal_ms: float
    pairs: int = 50
    spread_s: float = 5  #: All go within so long, at random: the service's rounds are at any point then.
    really: bool = False  #: They are in the room; else LiveKit is made to have said so.
    warns: bool = False  #: The partner is told first that somebody may be back.


WAYS = (
    Way(
        name="the page is closed (beacon)",
        go=lambda person: person.post("leave"),
        seen_as="partner-left",
        goal_ms=500,
    ),
    Way(
        name="the LiveKit room is left",
        go=Person.leave_room,
        seen_as="partner-left",
        goal_ms=500,
        pairs=20,
        really=True,
    ),
    Way(
        name="the browser dies",
        go=Person.die,
        seen_as="connection-lost",
        goal_ms=4_000,
        warns=True,
    ),
    Way(
        name="the network vanishes",
        go=Person.vanish,
        seen_as="connection-lost",
        goal_ms=20_000,
        warns=True,
    ),
)


@dataclass(slots=True)
class Samples:
    """What was measured of one way, in seconds."""

    freed: list[float] = field(default_factory=list)  #: Until force-disconnect.
    warned: list[float] = field(default_factory=list)  #: Until partner-reconnecting.


async def measure(client: Client, way: Way) -> Samples:
    """Lets one of each pair go. Raises BenchError if a partner is told something else, or nothing."""
    people = await _come(client, way.pairs * 2)
    calls = await _meet(people, really=way.really)
    await asyncio.sleep(_SETTLE_S)
    samples, rng = Samples(), random.Random(_SEED)
    delays = [rng.uniform(0, way.spread_s) for _ in calls]
    try:
        await asyncio.gather(
            *(_one_goes(way, *call, delay, samples) for call, delay in zip(calls, delays, strict=True))
        )
    finally:
        await asyncio.gather(*(person.leave_room() for person in people))
        await asyncio.gather(*(person.die() for person in people))
    return samples


async def _come(client: Client, count: int) -> list[Person]:
    places = asyncio.Semaphore(_COME_AT_ONCE)

    async def come() -> Person:
        async with places:
            person = Person(client, await client.new_session())
            await person.event("connected")
            return person

    return await asyncio.gather(*(come() for _ in range(count)))


async def _meet(people: Sequence[Person], *, really: bool) -> list[tuple[Person, Person, str]]:
    """All press Start and come into their rooms: pairs in a call, each with its session."""
    places = asyncio.Semaphore(_COME_AT_ONCE)
    by_session: dict[str, list[Person]] = defaultdict(list)

    async def meet(person: Person) -> None:
        async with places:
            await person.post("enqueue")
        _, match = await person.event("new-match")
        async with places:
            await person.join(match, really=really)
        await person.event("call-started", sessionId=match["sessionId"])
        by_session[match["sessionId"]].append(person)

    await asyncio.gather(*map(meet, people))
    return [(first, second, session) for session, (first, second) in by_session.items()]


async def _one_goes(
    way: Way, goes: Person, stays: Person, session: str, delay_s: float, samples: Samples
) -> None:
    await asyncio.sleep(delay_s)
    went_at = time.perf_counter()
    going = asyncio.ensure_future(way.go(goes))
    freed_at, forced = await stays.event("force-disconnect", sessionId=session)
    await going
    if (forced["reason"], forced["initiatedBy"]) != (way.seen_as, goes.user_id):
        raise BenchError(f"instead of {way.seen_as}: {forced}")
    samples.freed.append(freed_at - went_at)
    if way.warns:
        warned_at, _ = await stays.event("partner-reconnecting", sessionId=session)
        samples.warned.append(warned_at - went_at)
    _, closing = await stays.event("room-closing", sessionId=session)
    await stays.post("end", sessionId=session)  # not matched with the next one who is left
    await stays.leave_room()
    await stays.post("room-close-ack", roomName=closing["roomName"])
    await stays.event("idle")
