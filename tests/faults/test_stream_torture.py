"""500 streams are cut in every way there is, for a minute, while people press buttons: nothing is lost."""

import asyncio
import random
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from dormparty_sse.dev.server import Server
from dormparty_sse.services.tasks import cancel
from tests.support.light import (
    Light,
    all_are_told,
    assert_told_everything_once,
    each,
    light_crowd,
    restless,
    total,
)
from tests.support.logs import assert_nothing_crashed
from tests.support.proxy import Proxy, proxy
from tests.support.stack import Stack, running_stack

pytestmark = pytest.mark.busy

USERS = 500
TOGETHER = 3  # in each pool: few, so that most steps need no room
SECONDS = 60
PAUSE_S = 6.0  # between two buttons of a user, on average
KILLS = 6
SETTINGS = {"PAIR_COOLDOWN_S": "300", "SWEEP_INTERVAL_S": "1", "QUEUE_UPDATE_INTERVAL_S": "2"}

CLIENT_CUT_S = 0.2  # between two, on average
CUT_SOONEST, CUT_LATEST = 100, 4_000  # bytes, after which some clients hang up by themselves
PROXY_CUT_WITHIN = 20_000  # bytes, over all connections
REDIS_CUT_S = 3.0


class Torture:
    """What is done to the streams, until it is over."""

    def __init__(self, stack: Stack, other: Server, ways: Sequence[Proxy]) -> None:
        self.cuts: Counter[str] = Counter()
        self.is_over = asyncio.Event()
        self._stack = stack
        self.processes = (stack.service, other)
        self._ways = ways
        self._urls = [server.url for server in self.processes] + [way.url for way in ways]
        self._rng = random.Random(5)  # noqa: S311  # arbitrary moments, no secret

    def where(self) -> str:
        """Either process, with the proxy or without: as a balancer has it."""
        return self._rng.choice(self._urls)

    def bytes_until_cut(self) -> int | None:
        """Some clients close their stream after so much, some do not."""
        if self.is_over.is_set() or self._rng.random() < 0.5:
            return None
        return self._rng.randrange(CUT_SOONEST, CUT_LATEST)

    @asynccontextmanager
    async def running(self, people: Sequence[Light]) -> AsyncIterator[None]:
        """Cuts streams at random, and now and then all that there are."""
        for seed, way in enumerate(self._ways):
            way.cut_at_random(seed, PROXY_CUT_WITHIN)
        cutting = [asyncio.create_task(work) for work in (self._cut_clients(people), self._cut_redis())]
        try:
            yield
        finally:
            await cancel(cutting)
        for task in cutting:
            assert task.cancelled(), task
        for way in self._ways:
            self.cuts["proxy"] += way.cuts
            await way.open()
        self.is_over.set()

    async def break_servers(self) -> None:
        """Kills one process after the other, and has Redis start again in the middle."""
        now = asyncio.get_running_loop().time
        begin = now()
        for number in range(KILLS):
            await asyncio.sleep(begin + (number + 0.5) * SECONDS / KILLS - now())
            process = self.processes[number % 2]
            await process.kill()
            await process.start()
            self.cuts["process"] += 1
            if number == KILLS // 2 - 1:
                await asyncio.sleep(begin + SECONDS / 2 - now())
                await self._stack.redis_server.restart()
                self.cuts["redis"] += 1
        await asyncio.sleep(begin + SECONDS - now())

    async def _cut_clients(self, people: Sequence[Light]) -> None:
        while True:
            await asyncio.sleep(self._rng.expovariate(1 / CLIENT_CUT_S))
            self.cuts["client"] += self._rng.choice(people).source.hang_up()

    async def _cut_redis(self) -> None:
        """Cuts the way by which events come, so that each stream has to look into its log."""
        while True:
            await asyncio.sleep(self._rng.uniform(0, 2 * REDIS_CUT_S))
            with suppress(RedisError):  # it starts again just now
                self.cuts["channels"] += await self._stack.redis.client_kill_filter(_type="pubsub")


@asynccontextmanager
async def two_processes(directory: Path) -> AsyncIterator[tuple[Stack, Torture]]:
    """Each of them can be reached with a proxy, or without."""
    async with (
        running_stack(directory, **SETTINGS) as stack,
        stack.another_service(directory / "other", **SETTINGS) as other,
        proxy() as way,
        proxy() as other_way,
    ):
        await way.open(stack.settings.port)
        await other_way.open(int(other.url.rpartition(":")[2]))
        yield stack, Torture(stack, other, (way, other_way))


def assert_it_was_torture(torture: Torture, people: Sequence[Light]) -> None:
    """There was enough of everything."""
    cuts = torture.cuts
    streams = total(someone.source.counts for someone in people)
    answers = total(someone.answers for someone in people)
    refused = total(someone.source.refused for someone in people)
    events = Counter(event["type"] for someone in people for event in someone.events)
    steps = sum(someone.source.state[1] for someone in people)
    print(f"\n{steps} steps, events {dict(events)}")
    print(f"cuts {dict(cuts)}, streams {dict(streams)}, refused {dict(refused)}, answers {dict(answers)}")
    assert events["superseded"] == 0  # nobody has two pages
    assert steps > SECONDS * USERS / PAUSE_S / 2
    assert events["new-match"] > USERS / TOGETHER
    assert answers[200] > steps / 4
    assert (cuts["process"], cuts["redis"]) == (KILLS, 1)
    assert min(cuts["client"], streams["cut"], cuts["proxy"]) > SECONDS
    assert cuts["channels"] > 2 * SECONDS / REDIS_CUT_S / 4
    assert streams["resumed"] > USERS
    assert streams["replayed"] > USERS / 2
    assert streams["torn"] > SECONDS


@pytest.mark.timeout(300)
async def test_streams_cut_in_every_way_for_a_minute_lose_nothing_and_repeat_nothing(
    directory: Path,
) -> None:
    prefix = f"torture-{secrets.token_hex(4)}"
    pools = [f"{prefix}-{number // TOGETHER}" for number in range(USERS)]
    async with (
        two_processes(directory) as (stack, torture),
        light_crowd(pools, torture.where, bytes_until_cut=torture.bytes_until_cut) as people,
    ):
        async with restless(people, PAUSE_S), torture.running(people):
            await torture.break_servers()
        await each(people, lambda someone: someone.go_home())
        await all_are_told(stack, people)
        await each(people, lambda someone: assert_told_everything_once(stack, someone))
        for pool in set(pools):
            await stack.assert_sound(pool)
        assert_it_was_torture(torture, people)
        for server in torture.processes:
            assert server.log
            assert_nothing_crashed(server.log.read_text())
