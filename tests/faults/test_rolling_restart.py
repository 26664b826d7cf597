"""Processes are exchanged one after the other while people use them: no event is lost, and no POST fails."""

import asyncio
import os
import secrets
import signal
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from dormparty_sse.dev.server import Server
from tests.support.faults import workers
from tests.support.light import (
    Light,
    all_are_told,
    assert_told_everything_once,
    each,
    light_crowd,
    restless,
    total,
)
from tests.support.logs import log_lines
from tests.support.nginx import nginx
from tests.support.person import Event
from tests.support.proxy import proxy
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually

pytestmark = pytest.mark.busy

USERS = 80
TOGETHER = 4  # in each pool
PAUSE_S = 0.8  # between two buttons of a user, on average
PROCESSES = 2
RESTARTS = 2
LATENCY_S = 0.04  # of Redis, each way: so some POSTs are under way whenever a process stops
DRAIN_S = 5
STOP_S = 10
SETTINGS = {"STREAM_DRAIN_S": str(DRAIN_S), "PAIR_COOLDOWN_S": "300", "REDIS_COMMAND_TIMEOUT": "5"}


async def all_listen(people: Sequence[Light]) -> None:
    """Waits until everybody has a stream."""

    async def open_everywhere() -> bool:
        return all(someone.source.is_open for someone in people)

    await eventually(open_everywhere, what="an open stream for everybody")


async def reload(stack: Stack) -> float:
    """Exchanges all processes of a server; how many seconds the last of the old ones took to go."""
    old = workers(stack.service)
    assert len(old) == PROCESSES
    begin = time.monotonic()
    os.kill(stack.service.pid, signal.SIGHUP)

    async def exchanged() -> bool:
        now = workers(stack.service)
        return len(now) == PROCESSES and not now & old

    await eventually(exchanged, 3 * STOP_S, "new processes in place of the old")
    return time.monotonic() - begin


async def restart(server: Server) -> float:
    """Stops a server as a deployment does, and starts it again; how many seconds it took to stop."""
    begin = time.monotonic()
    os.kill(server.pid, signal.SIGTERM)
    async with asyncio.timeout(3 * STOP_S):
        assert await server.exit() == "ended with status 0"
    took_s = time.monotonic() - begin
    await server.start()
    return took_s


def assert_no_error(server: Server) -> None:
    """A restart is nothing that an operator has to look into."""
    assert server.log
    assert not [line for line in log_lines(server.log.read_text()) if line["level"] in ("error", "critical")]


def port_of(server: Server) -> int:
    return int(server.url.rpartition(":")[2])


def streams(someone: Light) -> list[list[Event]]:
    """The events of each of the streams that a user had."""
    found: list[list[Event]] = []
    for event in someone.events:
        if event["type"] == "connected":
            found.append([])
        found[-1].append(event)
    return found


def assert_all_were_asked_to_come_back(people: Sequence[Light], at_least: int) -> None:
    """Each stream that has ended had been told when to come back, each at a moment of its own."""
    delays: list[int] = []
    for someone in people:
        *ended, _ = streams(someone)
        assert len(ended) >= at_least
        for stream in ended:
            (draining,) = [event for event in stream if event["type"] == "draining"]
            delays.append(draining["reconnectInMs"])
    print(f"{len(delays)} streams sent elsewhere, over {min(delays)} to {max(delays)} ms")
    assert min(delays) < DRAIN_S * 1000 / 10
    assert DRAIN_S * 1000 * 0.9 < max(delays) <= DRAIN_S * 1000
    quarters = Counter(4 * delay // (DRAIN_S * 1000 + 1) for delay in delays)
    assert min(quarters[quarter] for quarter in range(4)) > len(delays) / 8


async def assert_nothing_is_lost(stack: Stack, people: Sequence[Light]) -> None:
    """No event, no POST and no stream."""
    answers = total(someone.answers for someone in people)
    await each(people, lambda someone: someone.go_home())
    await all_are_told(stack, people)
    refused = total(someone.source.refused for someone in people)
    counts = total(someone.source.counts for someone in people)
    events = [event for someone in people for event in someone.events if "id" in event]
    steps = sum(someone.source.state[1] for someone in people)
    failed = sum(answers.values()) - answers[200] - answers[409]
    print(f"\n{steps} steps, {len(events)} events; streams {dict(counts)}, refused {dict(refused)}")
    slowest_s = max(someone.slowest_s for someone in people)
    broken = [repr(error) for someone in people for error in someone.source.broken]
    print(f"connections broken: {broken}")
    print(f"POSTs: {sum(answers.values())} sent, {dict(answers)} received, failed: {failed}")
    print(f"the slowest answer came after {slowest_s:.1f} s")
    assert failed == 0
    assert counts["torn"] == 0
    assert not refused  # an EventSource that gets an error answer does not come back
    assert slowest_s > 2 * LATENCY_S
    assert steps > 5 * USERS
    for someone in people:
        await assert_told_everything_once(stack, someone)
    for pool in {someone.pool for someone in people}:
        await stack.assert_sound(pool)


@asynccontextmanager
async def traffic(stack: Stack, url: str, trust: ssl.SSLContext | None = None) -> AsyncIterator[list[Light]]:
    """People who press buttons, half of them on new connections, for as long as the context lasts.

    When they have gone home, nothing must be lost.
    """
    prefix = f"rolling-{secrets.token_hex(4)}"
    pools = [f"{prefix}-{number // TOGETHER}" for number in range(USERS // 2)]
    reusing = aiohttp.TCPConnector(limit=0, ssl=trust or True)
    fresh = aiohttp.TCPConnector(limit=0, ssl=trust or True, force_close=True)
    async with (
        light_crowd(pools, lambda: url, connector=reusing) as some,
        light_crowd(pools, lambda: url, connector=fresh) as others,
    ):
        people = some + others
        async with restless(people, PAUSE_S):
            yield people
            await all_listen(people)
        await assert_nothing_is_lost(stack, people)


@pytest.mark.timeout(150)
async def test_a_server_that_exchanges_its_processes_loses_nothing(directory: Path) -> None:
    async with (
        proxy() as way,
        running_stack(directory, way, WEB_CONCURRENCY=str(PROCESSES), **SETTINGS) as stack,
        traffic(stack, stack.url) as people,
    ):
        way.latency_s = LATENCY_S
        for _ in range(RESTARTS):
            await all_listen(people)
            took_s = await reload(stack)
            print(f"\nthe old processes took {took_s:.1f} s")
            assert took_s < STOP_S
    assert_all_were_asked_to_come_back(people, at_least=RESTARTS)
    assert_no_error(stack.service)


@pytest.mark.timeout(150)
async def test_servers_behind_nginx_that_restart_in_turn_lose_nothing(directory: Path) -> None:
    async with (
        proxy() as way,
        running_stack(directory, way, **SETTINGS) as stack,
        stack.another_service(directory / "other", REDIS_URL=way.redis_url, **SETTINGS) as other,
        nginx(directory / "nginx", stack.settings.port, port_of(other)) as front,
        traffic(stack, front.url, front.trust) as people,
    ):
        way.latency_s = LATENCY_S
        for server in (stack.service, other) * RESTARTS:
            await all_listen(people)
            took_s = await restart(server)
            print(f"\nthe old process took {took_s:.1f} s")
            assert took_s < STOP_S
    assert_all_were_asked_to_come_back(people, at_least=RESTARTS)
    for server in (stack.service, other):
        assert_no_error(server)
