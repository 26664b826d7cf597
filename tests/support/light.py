"""Hundreds of people who take little: a stream, and a button pressed from time to time."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp

from tests.support.event_source import EventSource
from tests.support.person import Event
from tests.support.replay import assert_nothing_lost, replayable
from tests.support.stack import Stack
from tests.support.waiting import eventually

_AT_ONCE = 20  # requests of the whole crowd, where it acts as one
_TIMEOUT = aiohttp.ClientTimeout(total=20)
_NO_ANSWER = 0


class Light:
    """One of them. Whatever it asks, `where` says whom."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        session: dict[str, Any],
        where: Callable[[], str],
        bytes_until_cut: Callable[[], int | None] | None,
    ) -> None:
        self.pool: str = session["pool"]
        self.user_id: str = session["userId"]
        self.answers: Counter[int] = Counter()  #: To what was pressed, by status; 0: none came.
        self.slowest_s = 0.0  #: Until any of those.
        headers = {"Authorization": f"Bearer {session['token']}"}
        self.source = EventSource(http, headers, where, bytes_until_cut=bytes_until_cut)
        self._http = http
        self._headers = headers
        self._where = where

    @property
    def events(self) -> list[Event]:
        """What it was told."""
        return self.source.events

    async def press(self, action: str) -> dict[str, Any]:
        """The answer; none if it is not 200, or did not come."""
        status, answer = _NO_ANSWER, {}
        begin = time.monotonic()
        url = f"{self._where()}/api/matching/{action}"
        with suppress(aiohttp.ClientError, OSError, TimeoutError):
            async with self._http.post(url, headers=self._headers, timeout=_TIMEOUT) as got:
                answer, status = await got.json(content_type=None), got.status
        self.answers[status] += 1
        self.slowest_s = max(self.slowest_s, time.monotonic() - begin)
        return answer if status == 200 else {}

    async def be_restless(self, rng: random.Random, pause_s: float, over: asyncio.Event) -> None:
        """Presses what leads to a step, about every `pause_s`, until it is over."""
        while not over.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(rng.uniform(0, 2 * pause_s)):
                    await over.wait()
                    return
            match self.source.state[0]:
                case "WAITING":
                    await self.press("end")
                case "CONNECTING" | "IN_CALL":
                    await self.press(rng.choice(["skip", "skip", "end"]))
                case _:
                    await self.press("enqueue")

    async def go_home(self) -> None:
        """Ends whatever there is."""

        async def at_home() -> bool:
            return (await self.press("end")).get("state") == "IDLE"

        await eventually(at_home, 20, "a way home")


async def each(people: Iterable[Light], act: Callable[[Light], Awaitable[None]]) -> None:
    """Everybody acts, some at a time."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def in_turn(someone: Light) -> None:
        async with turns:
            await act(someone)

    await asyncio.gather(*map(in_turn, people))


def total(counters: Iterable[Counter[Any]]) -> Counter[Any]:
    """All of them together."""
    return sum(counters, Counter[Any]())


@asynccontextmanager
async def light_crowd(
    pools: Sequence[str],
    where: Callable[[], str],
    *,
    bytes_until_cut: Callable[[], int | None] | None = None,
    connector: aiohttp.BaseConnector | None = None,
) -> AsyncIterator[list[Light]]:
    """A new person for each of these pools, with an open stream that comes back until the context ends."""
    jar = aiohttp.DummyCookieJar()
    connector = connector or aiohttp.TCPConnector(limit=0)
    people: list[Light] = []
    async with aiohttp.ClientSession(cookie_jar=jar, connector=connector) as http:

        async def come(pool: str) -> None:
            async with http.post(f"{where()}/api/session", json={"pool": pool}) as answer:
                assert answer.status == 201, await answer.text()
                people.append(Light(http, await answer.json(), where, bytes_until_cut))

        for first in range(0, len(pools), _AT_ONCE):
            await asyncio.gather(*map(come, pools[first : first + _AT_ONCE]))
        listening = [asyncio.create_task(someone.source.follow()) for someone in people]
        try:
            await _all_are_told(people)
            yield people
        finally:
            for task in listening:
                task.cancel()
            ended = await asyncio.gather(*listening, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error


@asynccontextmanager
async def restless(people: Sequence[Light], pause_s: float) -> AsyncIterator[None]:
    """Everybody presses buttons until the context ends; then all that was pressed is answered."""
    over = asyncio.Event()
    pressing = [
        asyncio.create_task(someone.be_restless(random.Random(seed), pause_s, over))  # noqa: S311  # to be repeated
        for seed, someone in enumerate(people)
    ]
    try:
        yield
    finally:
        over.set()
        await asyncio.gather(*pressing)


async def _all_are_told(people: Sequence[Light]) -> None:
    async def told() -> bool:
        return all(someone.events for someone in people)

    await eventually(told, 30, "a first event for everybody")


async def all_are_told(stack: Stack, people: Sequence[Light]) -> None:
    """Waits until every stream has told where its user stands in Redis, when nothing changes any more."""
    ends: dict[str, tuple[str, int]] = {}

    async def look(someone: Light) -> None:
        user = await stack.user(someone.pool, someone.user_id)
        ends[someone.user_id] = user["state"], int(user["seq"])

    async def nobody_is_behind() -> bool:
        states = {someone.user_id: someone.source.state for someone in people}
        behind[:] = [(user, states[user], end) for user, end in ends.items() if states[user] != end]
        return not behind

    await each(people, look)
    behind: list[object] = []
    try:
        await eventually(nobody_is_behind, 20)
    except AssertionError as error:
        raise AssertionError(f"{len(behind)} streams are behind: {behind[:5]}") from error


async def assert_told_everything_once(stack: Stack, someone: Light) -> None:
    """Over all streams no event of the log is missing, and none came twice; nor is a `seq`."""
    assert_nothing_lost(someone)
    told = [event["id"] for event in replayable(someone.events)]
    assert told == await stack.event_ids(someone.pool, someone.user_id)
