"""Between LiveKit and the service: webhooks are lost, late, doubled, turned round or slow, by their pool."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any

import aiohttp
from aiohttp import web

from dormparty_sse.dev.network import LOOPBACK, free_port
from dormparty_sse.domain.names import parse_room_name

_LATE_S = 5.0
_WINDOW_S = 1.0  # what comes within it is turned round
_SLOW_S = 2.0

_Webhook = tuple[bytes, dict[str, str]]


class Fate(StrEnum):
    """What becomes of the webhooks of a pool."""

    PASSED = "passed"
    LOST = "lost"
    HALF_LOST = "half-lost"
    LATE = "late"
    DOUBLED = "doubled"
    REVERSED = "reversed"
    SLOW = "slow"  #: LiveKit waits for the answer, and holds back what comes next from that room.


class Relay:
    """Takes LiveKit's webhooks, and says yes to all of them."""

    def __init__(self) -> None:
        self.port = free_port()
        self.fates: dict[str, Fate] = {}  #: By pool; what is not named here is passed.
        self.seen: Counter[Fate] = Counter()
        self.target = ""  #: The service's URL.
        self.refused: list[str] = []  #: What the service answered other than yes.
        self._rng = random.Random(1)  # noqa: S311  # to be repeated
        self._windows: dict[str, list[_Webhook]] = {}  # by pool
        self._tasks: set[asyncio.Task[None]] = set()
        self._http: aiohttp.ClientSession

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Relay"]:
        app = web.Application()
        app.router.add_post("/api/livekit/webhooks", self._receive)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, LOOPBACK, self.port).start()
        async with aiohttp.ClientSession() as self._http:
            try:
                yield self
            finally:
                for task in self._tasks:
                    task.cancel()
                await runner.cleanup()
        assert not self.refused

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        pool, _ = parse_room_name(json.loads(body)["room"]["name"]) or ("", "")
        fate = self.fates.get(pool, Fate.PASSED)
        self.seen[fate] += 1
        webhook = body, {name: request.headers[name] for name in ("Authorization", "Content-Type")}
        match fate:
            case Fate.PASSED:
                await self._pass(webhook)
            case Fate.LOST:
                pass
            case Fate.HALF_LOST:
                if self._rng.random() < 0.5:
                    await self._pass(webhook)
            case Fate.LATE:
                self._later(_LATE_S, webhook)
            case Fate.DOUBLED:
                await asyncio.gather(self._pass(webhook), self._pass(webhook))
            case Fate.REVERSED:
                self._turn_round(pool, webhook)
            case Fate.SLOW:
                await asyncio.sleep(_SLOW_S)
                await self._pass(webhook)
        return web.Response()

    def _later(self, delay_s: float, *webhooks: _Webhook) -> None:
        async def pass_on() -> None:
            await asyncio.sleep(delay_s)
            for webhook in webhooks:
                await self._pass(webhook)

        self._spawn(pass_on())

    def _turn_round(self, pool: str, webhook: _Webhook) -> None:
        window = self._windows.setdefault(pool, [])
        window.append(webhook)
        if len(window) > 1:
            return

        async def pass_on() -> None:
            await asyncio.sleep(_WINDOW_S)
            for one in reversed(self._windows.pop(pool)):
                await self._pass(one)

        self._spawn(pass_on())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pass(self, webhook: _Webhook) -> None:
        body, headers = webhook
        url = f"{self.target}/api/livekit/webhooks"
        async with self._http.post(url, data=body, headers=headers) as answer:
            if answer.status != 200:
                self.refused.append(await answer.text())
