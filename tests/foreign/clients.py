"""Clients that others have made. Each follows one user's stream until its context ends.

Those that come back by themselves after a cut do so; for the others, this does what their documentation says.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Any

import httpx
from httpx_sse import aconnect_sse
from playwright.async_api import Browser

from dormparty_sse.dev.node import Node
from dormparty_sse.dev.parent_death import dying_with_parent
from tests.support.nginx import Nginx, require
from tests.support.person import Event, Person, read_events

_STREAM = "/api/matching/events"
_EVENTSOURCE = Path(__file__).parent / "eventsource.mjs"
_OPEN = """() => {
    window.source = new EventSource('/api/matching/events');
    window.source.onmessage = (event) => came(event.data, event.lastEventId);
}"""
_PROTOCOL = "() => performance.getEntriesByType('navigation')[0].nextHopProtocol"

#: A running client's events, in order, as they come.
Follow = Callable[["Way", Person], AbstractAsyncContextManager[list[Event]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a client reaches the service."""

    url: str
    nginx: Nginx | None = None  #: None: it is reached without.
    http2: bool = False

    @property
    def name(self) -> str:
        """As failures call it."""
        return f"through nginx, HTTP/{2 if self.http2 else 1.1}" if self.nginx else "direct"


class Chromium:
    """Its `EventSource`, on a page of the service's own origin."""

    def __init__(self, browser: Browser, http1_browser: Browser) -> None:
        """One that speaks HTTP/2 where it can, and one that never does."""
        self._browser = browser
        self._http1_browser = http1_browser

    @asynccontextmanager
    async def follow(self, way: Way, someone: Person) -> AsyncIterator[list[Event]]:
        """A page in a profile of its own."""
        events: list[Event] = []
        browser = self._browser if way.http2 else self._http1_browser
        context = await browser.new_context(ignore_https_errors=True)
        await context.add_cookies([{"name": "dormparty_session", "value": someone.token, "url": way.url}])
        page = await context.new_page()
        await page.expose_function("came", lambda data, last_id: events.append(_event(data, last_id)))
        await page.goto(f"{way.url}/healthz")
        assert await page.evaluate(_PROTOCOL) == ("h2" if way.http2 else "http/1.1")
        await page.evaluate(_OPEN)
        try:
            yield events
        finally:
            await context.close()


class EventSource:
    """npm `eventsource`, on Node.js."""

    def __init__(self, tools: Node) -> None:
        self._tools = tools

    @asynccontextmanager
    async def follow(self, way: Way, someone: Person) -> AsyncIterator[list[Event]]:
        """A process of its own."""
        trust = {"NODE_EXTRA_CA_CERTS": str(way.nginx.certificate)} if way.nginx else {}
        process = await asyncio.create_subprocess_exec(
            *dying_with_parent([*self._tools.node, _EVENTSOURCE, way.url + _STREAM], SIGKILL),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **self._tools.env, **trust},
        )
        assert process.stdin
        process.stdin.write(f"{someone.token}\n".encode())
        events: list[Event] = []
        async with _task(self._read(process, events)):
            try:
                yield events
            finally:
                await _kill(process)

    async def _read(self, process: asyncio.subprocess.Process, events: list[Event]) -> None:
        assert process.stdout
        async for line in process.stdout:
            data, last_id = json.loads(line)
            events.append(_event(data, last_id))


class HttpxSse:
    """`httpx-sse`, which leaves coming back to its user."""

    @asynccontextmanager
    async def follow(self, way: Way, someone: Person) -> AsyncIterator[list[Event]]:
        """A client of its own."""
        events: list[Event] = []
        verify = way.nginx.trust if way.nginx else True
        async with (
            httpx.AsyncClient(verify=verify, timeout=20, headers=someone.headers) as http,
            _task(self._follow(http, way.url + _STREAM, events)),
        ):
            yield events

    async def _follow(self, http: httpx.AsyncClient, url: str, events: list[Event]) -> None:
        last_id, retry_s = "", 1.0
        while True:
            headers = {"Last-Event-ID": last_id} if last_id else {}
            with suppress(httpx.HTTPError):  # cut, or refused
                async with aconnect_sse(http, "GET", url, headers=headers) as source:
                    source.response.raise_for_status()
                    async for sse in source.aiter_sse():
                        last_id = sse.id or last_id
                        retry_s = retry_s if sse.retry is None else sse.retry / 1000
                        if sse.data:  # it takes a comment for an event without any
                            events.append(_event(sse.data, last_id))
            await asyncio.sleep(retry_s)


class Curl:
    """`curl -N`, called anew after each cut."""

    @asynccontextmanager
    async def follow(self, way: Way, someone: Person) -> AsyncIterator[list[Event]]:
        """One process after the other."""
        events: list[Event] = []
        async with _task(self._follow(way, someone, events)):
            yield events

    async def _follow(self, way: Way, someone: Person, events: list[Event]) -> None:
        curl = [require("curl"), "-N", "--silent", "--fail", "--http2" if way.http2 else "--http1.1"]
        if way.nginx:
            curl += ["--cacert", str(way.nginx.certificate)]
        while True:
            last_id = next((event["id"] for event in reversed(events) if event.get("id")), None)
            headers = someone.headers | ({"Last-Event-ID": last_id} if last_id else {})
            command = [*curl, *(f"-H{name}: {value}" for name, value in headers.items()), way.url + _STREAM]
            process = await asyncio.create_subprocess_exec(
                *dying_with_parent(command, SIGKILL), stdout=asyncio.subprocess.PIPE
            )
            try:
                assert process.stdout
                async for event in read_events(process.stdout):
                    events.append(event)  # noqa: PERF401  # each when it comes
                await process.wait()
            except asyncio.CancelledError:
                await _kill(process)
                raise
            await asyncio.sleep(0.5)


def _event(data: str, event_id: str) -> Event:
    return {**json.loads(data), "id": event_id}


@asynccontextmanager
async def _task(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Work that goes on until the context ends, and whose failure is the context's."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()
