"""Redis goes away and comes back: what is open stays open, and nothing is lost."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support.crowd import crowd
from tests.support.faults import held_still, is_ready, readiness
from tests.support.person import Person
from tests.support.problems import read_problem
from tests.support.replay import assert_got_everything_once, busy, catch_up
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
async def fragile(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """A stack whose Redis may be broken."""
    async with running_stack(tmp_path_factory.mktemp("fragile")) as running:
        yield running


@pytest.fixture
async def people(fragile: Stack) -> AsyncIterator[list[Person]]:
    """Three people in a pool of their own. When the test is over, the audit must find nothing."""
    async with crowd(fragile, 3) as three:
        yield three


async def assert_undisturbed(stack: Stack, someone: Person) -> None:
    """All that happened came on the one stream, which is still open."""
    await catch_up(stack, someone)
    await assert_got_everything_once(stack, someone, someone.events)
    assert [event["type"] for event in someone.events].count("connected") == 1
    assert someone.listening


async def test_streams_stay_open_and_go_on_when_redis_restarts(fragile: Stack, people: list[Person]) -> None:
    for someone in people:
        await someone.listen()
        await someone.post("leave")
    alone = people[0]
    await alone.post("enqueue")
    for _ in range(2):
        await fragile.redis_server.kill()
        await fragile.redis_server.start()
        await is_ready(fragile)
        for someone in people[1:]:
            await someone.post("heartbeat")
        await alone.post("end")
        await alone.post("enqueue")
    await alone.post("end")
    await assert_undisturbed(fragile, alone)


async def test_what_happens_while_the_hub_is_cut_off_is_told_afterwards(
    fragile: Stack, people: list[Person]
) -> None:
    someone = people[0]
    await someone.listen()
    for _ in range(4):
        await fragile.redis.client_kill_filter(_type="pubsub")
        await busy(someone, 10)
    await assert_undisturbed(fragile, someone)


async def test_a_stream_opened_while_the_hub_connects_anew_is_fed_too(
    fragile: Stack, people: list[Person]
) -> None:
    breaks = fragile.service_log.count("hub_disconnected")

    async def noticed() -> bool:
        return fragile.service_log.count("hub_disconnected") > breaks

    await fragile.redis.client_kill_filter(_type="pubsub")
    await eventually(noticed, what="a disconnected hub")
    opening = []
    with held_still(fragile.redis_server):  # so that connecting takes a while, and streams open meanwhile
        for someone in people:
            await asyncio.sleep(0.3)
            opening.append(asyncio.create_task(someone.listen()))
    await asyncio.gather(*opening)
    for someone in people:
        await someone.post("enqueue")
        await someone.event("queued")
        await someone.post("end")


async def test_while_redis_is_away_everything_says_so_and_recovers(
    fragile: Stack, people: list[Person]
) -> None:
    someone = people[0]
    await fragile.redis_server.kill()
    try:
        requests = [
            ("POST", "/api/session"),
            ("POST", "/api/matching/enqueue"),
            ("POST", "/api/matching/skip"),
            ("POST", "/api/simple-matching/end"),
            ("GET", "/api/matching/status"),
            ("GET", "/api/check-match"),
            ("GET", "/api/matching/events"),
        ]
        for method, path in requests:
            async with fragile.http.request(method, fragile.url + path, headers=someone.headers) as answer:
                await read_problem(answer, 503, "unavailable")
                assert int(answer.headers["Retry-After"]) >= 1
        status, report = await readiness(fragile)
        assert status == 503
        assert (report["ready"], report["redis"]["state"], report["livekit"]["state"]) == (
            False,
            "down",
            "up",
        )
        async with fragile.http.get(fragile.url + "/healthz") as answer:
            assert answer.status == 200
    finally:
        await fragile.redis_server.start()
    await is_ready(fragile)
    await someone.listen()
    await someone.post("enqueue")
    await someone.event("queued")
    await someone.post("end")
