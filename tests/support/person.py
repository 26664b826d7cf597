"""A person who uses the service as a client would: a session, actions, a stream, a place in a room."""

import asyncio
import json
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from livekit import rtc

from dormparty_sse.web.events import Event as EventModel
from tests.support.described import assert_described
from tests.support.waiting import PATIENCE_S, eventually

Event = dict[str, Any]


class Person:
    """Make one with `person(...)`. All waiting is bounded."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str, session: dict[str, Any]) -> None:
        self.http = http
        self.base_url = base_url
        self.user_id: str = session["userId"]
        self.pool: str = session["pool"]
        self.token: str = session["token"]
        self.headers = {"Authorization": f"Bearer {self.token}"}
        self.events: list[Event] = []  #: Everything that came on streams, in order; `id` where it had one.
        self.room: rtc.Room | None = None
        self.stream_answer: aiohttp.ClientResponse | None = None  #: That of the newest stream.
        self._seen = 0  # events that `event` has passed
        self._stream: asyncio.Task[None] | None = None

    # Requests

    async def request(self, method: str, path: str, **kwargs: Any) -> tuple[int, dict[str, Any]]:
        """(status, JSON) of any request, with this person's credentials."""
        async with self.http.request(method, self.base_url + path, headers=self.headers, **kwargs) as answer:
            data = await answer.json(content_type=None)
            assert_described(method, path, answer.status, data)
            return answer.status, data

    async def post(self, action: str, **body: Any) -> dict[str, Any]:
        """The answer of an action, which must succeed."""
        status, answer = await self.request("POST", f"/api/matching/{action}", json=body)
        assert status == 200, answer
        return answer

    async def get(self, question: str, **query: str) -> dict[str, Any]:
        """The answer of a question, which must succeed."""
        status, answer = await self.request("GET", f"/api/matching/{question}", params=query)
        assert status == 200, answer
        return answer

    async def state(self) -> str:
        """The state, as `status` says."""
        return str((await self.get("status"))["state"])

    async def becomes(self, state: str, timeout_s: float = PATIENCE_S) -> None:
        """Waits until the state is `state`."""

        async def is_so() -> bool:
            return await self.state() == state

        await eventually(is_so, timeout_s, f"state {state}")

    # The stream

    async def listen(self, last_event_id: str | None = None) -> Event:
        """Opens the stream (anew) and returns its `connected`."""
        await self.hang_up()
        opened: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._stream = asyncio.create_task(self._read(last_event_id, opened))
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wait((opened, self._stream), return_when=asyncio.FIRST_COMPLETED)
        if not opened.done():
            await self._stream  # it raises what has gone wrong
        return opened.result()

    async def hang_up(self) -> None:
        """Closes the stream, as a closed page does."""
        if self._stream:
            self._stream.cancel()
            await asyncio.gather(self._stream, return_exceptions=True)
            self._stream = None

    @property
    def listening(self) -> bool:
        """Is the stream still open?"""
        return self._stream is not None and not self._stream.done()

    @property
    def last_event_id(self) -> str | None:
        """The id a client would resume from."""
        return next((event["id"] for event in reversed(self.events) if "id" in event), None)

    async def event(self, event_type: str, timeout_s: float = PATIENCE_S, **members: Any) -> Event:
        """Waits for the next event of this type (and with these members) after the last one waited for."""
        found: list[Event] = []

        async def came() -> bool:
            for index in range(self._seen, len(self.events)):
                event = self.events[index]
                if event["type"] == event_type and members.items() <= event.items():
                    self._seen = index + 1
                    found.append(event)
                    return True
            return False

        seen = [event["type"] for event in self.events]
        await eventually(came, timeout_s, f"{event_type} {members} after {self._seen} of {seen}")
        return found[0]

    async def _read(self, last_event_id: str | None, opened: asyncio.Future[Event]) -> None:
        headers = dict(self.headers)
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        timeout = aiohttp.ClientTimeout(total=None)
        url = self.base_url + "/api/matching/events"
        async with self.http.get(url, headers=headers, timeout=timeout) as answer:
            assert answer.status == 200, await answer.text()
            self.stream_answer = answer
            async for event in read_events(answer.content):
                EventModel.model_validate(event, extra="forbid")
                self.events.append(event)
                if event["type"] == "connected" and not opened.done():
                    opened.set_result(event)

    # The room

    async def match(self) -> dict[str, Any]:
        """The match this person is in, with a fresh token."""
        match: dict[str, Any] = (await self.get("check-match"))["match"]
        return match

    async def join(self, match: dict[str, Any]) -> rtc.Room:
        """Joins the room of a match, publishing nothing."""
        room = rtc.Room()
        await room.connect(match["livekitUrl"], match["token"])
        self.room = room
        return room

    async def leave_room(self) -> None:
        """Leaves the room, if in one."""
        if self.room:
            await self.room.disconnect()
            self.room = None

    async def close(self) -> None:
        """Lets go of everything."""
        await self.hang_up()
        await self.leave_room()


async def read_events(lines: AsyncIterable[bytes]) -> AsyncIterator[Event]:
    """The events of an event stream: their JSON, with `id` added where they have one."""
    event_id: str | None = None
    async for raw in lines:
        line = raw.decode().rstrip("\n")
        if line.startswith("id: "):
            event_id = line.removeprefix("id: ")
        elif line.startswith("data: "):
            event = json.loads(line.removeprefix("data: "))
            yield event | ({"id": event_id} if event_id is not None else {})
            event_id = None


@asynccontextmanager
async def person(base_url: str, pool: str) -> AsyncIterator[Person]:
    """A new person in a pool, with a session and nothing else."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        async with http.post(base_url + "/api/session", json={"pool": pool}) as answer:
            assert answer.status == 201, await answer.text()
            session = await answer.json()
            assert_described("POST", "/api/session", answer.status, session)
        someone = Person(http, base_url, session)
        try:
            yield someone
        finally:
            await someone.close()


@asynccontextmanager
async def same_person(someone: Person, base_url: str | None = None) -> AsyncIterator[Person]:
    """The same user once more: another tab, or by way of another service."""
    session = {"userId": someone.user_id, "pool": someone.pool, "token": someone.token}
    again = Person(someone.http, base_url or someone.base_url, session)
    try:
        yield again
    finally:
        await again.close()
