"""The crowd: people with open streams who do what browsers do, and the clock held to what they get.

The person who presses a button is picked here; when, is the caller's. The rest (coming into the room, leaving
it) each does by itself, as the page would.
"""

import asyncio
import random
import time
from collections import defaultdict, deque
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from bench.client import Client
from bench.errors import BenchError

T = TypeVar("T")

ENQUEUE_TO_MATCH = "enqueue → new-match on both streams"
REQUEUE_TO_MATCH = "room-close-ack → next new-match on both streams"
SKIP_TO_PARTNER = "skip → force-disconnect on the partner's stream"
END_TO_PARTNER = "end → force-disconnect on the partner's stream"
SENT_LATE = "request sent later than planned"

_INTO_THE_ROOM_S = 0.1  # from new-match until LiveKit says that the person is in
_OUT_OF_THE_ROOM_S = 0.02  # from room-closing until LiveKit says that the person is out


@dataclass(slots=True, kw_only=True)
class Person:
    """One user, as its stream tells."""

    user_id: str
    token: str
    seq: int = 0
    free_at: float = 0  #: Since when it can be matched, by `perf_counter`.
    freed_by: str = ENQUEUE_TO_MATCH  #: By what, as the name of what is measured.


@dataclass(slots=True, kw_only=True)
class Call:
    """Two people in a room."""

    session_id: str
    people: list[Person]


class Crowd:
    """Everybody. Its tasks run in `tasks`, so what goes wrong in any of them ends the run."""

    def __init__(self, client: Client, tasks: asyncio.TaskGroup, rng: random.Random) -> None:
        self.samples: dict[str, list[float]] = defaultdict(list)  #: Seconds, by what is measured.
        self.people: list[Person] = []
        self._client = client
        self._tasks = tasks
        self._rng = rng
        self._idle: deque[Person] = deque()
        self._calls: deque[Call] = deque()
        self._streams: list[asyncio.Task[None]] = []
        self._matched: dict[str, tuple[Person, float]] = {}  # by session: who got new-match first, and when
        self._connecting: dict[str, Person] = {}  # by session: who got call-started first
        self._endings: dict[str, tuple[str, float]] = {}  # by session: what is measured, and since when

    async def come(self, count: int, at_once: int) -> None:
        """So many people get a session and open their streams, `at_once` at a time."""
        places = asyncio.Semaphore(at_once)

        async def one() -> None:
            async with places:
                session = await self._client.new_session()
                person = Person(user_id=session["userId"], token=session["token"])
                opened = asyncio.Event()
                self._streams.append(self._tasks.create_task(self._read(person, opened)))
                await opened.wait()
                self.people.append(person)
                self._idle.append(person)

        async with asyncio.TaskGroup() as arrivals:
            for _ in range(count):
                arrivals.create_task(one())

    def go(self) -> None:
        """Closes all streams."""
        for stream in self._streams:
            stream.cancel()

    @property
    def calls(self) -> int:
        """How many calls there are now."""
        return len(self._calls)

    @property
    def unanswered(self) -> int:
        """Calls whose end one of the two has not heard of, and matches only one has heard of."""
        return len(self._endings) + len(self._matched)

    # What people do. `at` is when it was planned, by `perf_counter`, and what latencies count from.

    def enqueue(self, at: float) -> None:
        """Somebody IDLE presses Start."""
        person = _take(self._idle)
        person.free_at, person.freed_by = at, ENQUEUE_TO_MATCH
        self._act(at, self._client.post(person.token, "enqueue"), "queued")

    def skip(self, at: float) -> None:
        """Somebody in a call presses Skip."""
        self._end_call(at, "skip", SKIP_TO_PARTNER, "skipped")

    def end(self, at: float) -> None:
        """Somebody in a call presses End."""
        self._end_call(at, "end", END_TO_PARTNER, "ended")

    def _end_call(self, at: float, action: str, measured: str, outcome: str) -> None:
        call = _take(self._calls)
        self._endings[call.session_id] = measured, at
        token = self._rng.choice(call.people).token
        self._act(at, self._client.post(token, action, sessionId=call.session_id), outcome)

    def _act(self, at: float, request: Coroutine[Any, Any, dict[str, Any]], expected: str) -> None:
        async def act() -> None:
            self.samples[SENT_LATE].append(time.perf_counter() - at)
            answer = await request
            if answer.get("outcome", "queued") != expected:
                raise BenchError(f"instead of {expected}: {answer}")

        self._tasks.create_task(act())

    # What people get

    async def _read(self, person: Person, opened: asyncio.Event) -> None:
        async for at, event in self._client.events(person.token):
            if event["type"] == "connected":
                person.seq = event["seq"]
                opened.set()
                continue
            if "seq" in event:
                if event["seq"] != person.seq + 1:
                    raise BenchError(f"after seq {person.seq} came {event}")
                person.seq = event["seq"]
            self._received(person, at, event)

    def _received(self, person: Person, at: float, event: dict[str, Any]) -> None:
        match event["type"]:
            case "new-match":
                self._new_match(person, at, event["sessionId"])
                self._later(_INTO_THE_ROOM_S, "participant_joined", event["roomName"], person)
            case "call-started":
                self._call_started(person, event["sessionId"])
            case "force-disconnect":
                if event["sessionId"] not in self._endings:
                    raise BenchError(f"after seq {person.seq}, though nobody has ended the call: {event}")
                measured, since = self._endings.pop(event["sessionId"])
                self.samples[measured].append(at - since)
            case "room-closing":
                self._tasks.create_task(self._leave_room(person, event["roomName"]))
                self._later(_OUT_OF_THE_ROOM_S, "participant_left", event["roomName"], person)
            case "idle":
                self._idle.append(person)

    def _new_match(self, person: Person, at: float, session_id: str) -> None:
        first, _ = self._matched.pop(session_id, (None, 0))
        if first is None:
            self._matched[session_id] = person, at
            return
        # Who was there first waited for a partner, not for the service: the clock starts with the later one.
        later = max(first, person, key=lambda one: one.free_at)
        self.samples[later.freed_by].append(at - later.free_at)

    def _call_started(self, person: Person, session_id: str) -> None:
        first = self._connecting.pop(session_id, None)
        if first is None:
            self._connecting[session_id] = person
        else:
            self._calls.append(Call(session_id=session_id, people=[first, person]))

    async def _leave_room(self, person: Person, room_name: str) -> None:
        person.free_at, person.freed_by = time.perf_counter(), REQUEUE_TO_MATCH
        await self._client.post(person.token, "room-close-ack", roomName=room_name)

    def _later(self, delay_s: float, event: str, room_name: str, person: Person) -> None:
        async def tell() -> None:
            await asyncio.sleep(delay_s)
            await self._client.webhook(event, room_name, person.user_id)

        self._tasks.create_task(tell())


def _take(those: deque[T]) -> T:
    if not those:
        raise BenchError("too few people for this rate: nobody is left to press the button")
    return those.popleft()
