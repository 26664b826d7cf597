"""Several processes share the work, and finish what another one has left behind."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from dormparty_sse.dev.server import Server
from dormparty_sse.store.keys import pool_key
from tests.support.calls import all_become, pair, steps
from tests.support.crowd import crowd, partners
from tests.support.faults import held_still
from tests.support.person import Person
from tests.support.replay import told_of_every_step
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually

QUICK = {"LIVEKIT_TIMEOUT_S": "2", "RESERVATION_S": "3", "CONNECT_TIMEOUT_S": "5"}
SIZE = 60


@pytest.fixture(scope="module")
async def own_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with running_stack(tmp_path_factory.mktemp("stack"), **QUICK) as running:
        yield running


@pytest.fixture
async def other_process(own_stack: Stack, directory: Path) -> AsyncIterator[Server]:
    """A second service process on the same Redis and LiveKit."""
    async with own_stack.another_service(directory, **QUICK) as server:
        yield server


async def assert_each_has_one_partner(stack: Stack, people: Sequence[Person]) -> None:
    """Everybody is in one match, and no match was made beyond those."""
    found = await partners(people)
    for user, partner in found.items():
        assert partner != user
        assert found[partner] == user
    pool = people[0].pool
    sessions = await stack.redis.zrange(pool_key(pool, "matches"), 0, -1)
    phases = [await stack.redis.hget(pool_key(pool, "match", str(session)), "phase") for session in sessions]
    assert phases.count("open") == len(people) // 2
    assert "reserved" not in phases


async def test_two_processes_matching_one_pool_give_everybody_one_partner(
    own_stack: Stack, other_process: Server
) -> None:
    size = SIZE // 2
    async with (
        crowd(own_stack, size) as ours,
        crowd(own_stack, size, pool=ours[0].pool, url=other_process.url) as theirs,
    ):
        everybody = [*ours, *theirs]
        await asyncio.gather(*(someone.post("enqueue") for someone in everybody))
        await assert_each_has_one_partner(own_stack, everybody)
        assert {(await someone.get("status"))["seq"] for someone in everybody} == {2}
        await asyncio.gather(*(someone.post("end") for someone in everybody))


async def test_two_processes_match_in_order_of_arrival(own_stack: Stack, other_process: Server) -> None:
    size = SIZE // 2
    async with (
        crowd(own_stack, size) as ours,
        crowd(own_stack, size, pool=ours[0].pool, url=other_process.url) as theirs,
    ):
        everybody = [*ours, *theirs]
        await own_stack.livekit_server.kill()
        try:
            for someone in (ours[0], theirs[0]):
                await someone.post("enqueue")

                async def knows(someone: Person = someone) -> bool:
                    return bool((await someone.get("status"))["holdReason"] == "rooms-unavailable")

                await eventually(knows, what="both processes know that LiveKit is away")
            await asyncio.gather(*(someone.post("enqueue") for someone in everybody))
            arrivals = await own_stack.queue(ours[0].pool)
            assert len(arrivals) == SIZE
        finally:
            await own_stack.livekit_server.start()
        found = await partners(everybody)
        assert [found[user] for user in arrivals[::2]] == arrivals[1::2]
        await assert_each_has_one_partner(own_stack, everybody)
        await asyncio.gather(*(someone.post("end") for someone in everybody))


async def test_events_of_one_process_reach_the_streams_of_the_other(
    own_stack: Stack, other_process: Server
) -> None:
    async with (
        crowd(own_stack, 1) as (a,),
        crowd(own_stack, 1, pool=a.pool, url=other_process.url) as (b,),
    ):
        match = await pair(a, b)
        await a.join(match)
        await b.join(await b.match())
        for someone in (a, b):
            await someone.event("call-started")
        await a.post("end")
        assert (await b.event("force-disconnect"))["initiatedBy"] == a.user_id
        await all_become("IDLE", a)
        await all_become("WAITING", b)


async def test_pairs_held_by_a_killed_process_are_matched_by_another(
    own_stack: Stack, other_process: Server
) -> None:
    async with crowd(own_stack, 10) as people:
        for someone in people:
            await someone.listen()
            someone.base_url = other_process.url
        with held_still(own_stack.livekit_server):
            await asyncio.gather(*(someone.post("enqueue") for someone in people))

            async def all_are_held() -> bool:
                return await own_stack.queue(people[0].pool) == []

            await eventually(all_are_held, what="all pairs are reserved")
            await other_process.kill()
        for someone in people:
            someone.base_url = own_stack.url
            await someone.event("new-match", timeout_s=15)
        await assert_each_has_one_partner(own_stack, people)
        for someone in people:
            await told_of_every_step(someone)
            assert steps(someone) == [("queued", "WAITING"), ("new-match", "CONNECTING")]


async def test_deadlines_set_by_a_killed_process_are_kept_by_another(
    own_stack: Stack, other_process: Server
) -> None:
    async with crowd(own_stack, 2) as (a, b):
        for someone in (a, b):
            await someone.listen()
            someone.base_url = other_process.url
        await pair(a, b)
        await other_process.kill()
        for someone in (a, b):
            someone.base_url = own_stack.url
            forced = await someone.event("force-disconnect", timeout_s=15)
            assert forced["reason"] == "connect-timeout"
            await someone.event("idle")
            await told_of_every_step(someone)


async def test_stream_goes_on_at_another_process_where_it_broke_off(
    own_stack: Stack, other_process: Server
) -> None:
    async with (
        crowd(own_stack, 1) as (a,),
        crowd(own_stack, 1, pool=a.pool, url=other_process.url) as (b,),
    ):
        await pair(a, b)
        await other_process.kill()
        await a.post("skip")
        b.base_url = own_stack.url
        connected = await b.listen(b.last_event_id)
        assert connected["resync"] is False
        assert (await b.event("force-disconnect"))["reason"] == "partner-skipped"
        await told_of_every_step(b)
        for someone in (a, b):
            await someone.post("end")
