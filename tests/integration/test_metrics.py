"""GET /metrics: what happened to people and in rooms, from one process or several, with Redis or without."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest
from livekit import api

from dormparty_sse.dev.network import answers_200
from dormparty_sse.dev.server import Server
from dormparty_sse.domain.names import new_id, room_name
from dormparty_sse.store.keys import pool_key
from tests.support.calls import meet, pair, part
from tests.support.crowd import crowd
from tests.support.faults import is_ready, misses
from tests.support.metrics import Scrape, scrape
from tests.support.stack import KEY, Stack, running_stack
from tests.support.waiting import eventually
from tests.support.webhooks import LiveKitRoom, deliver, livekit_room, post, post_raw

WEBHOOKS = "dormparty_webhooks_total"
FINDINGS = "dormparty_reconciliation_findings_total"
RECONCILIATIONS = "dormparty_reconciliation_seconds_count"
STREAMS = 8


@pytest.fixture
async def own_stack(directory: Path) -> AsyncIterator[Stack]:
    """Where nobody else is counted."""
    async with running_stack(directory) as running:
        yield running


async def shows(stack: Stack, look: Callable[[Scrape], bool], what: str) -> Scrape:
    """Waits until /metrics is so."""

    async def asked() -> Scrape | None:
        seen = await scrape(stack.http, stack.url)
        return seen if look(seen) else None

    found = await eventually(asked, what=what)
    assert found
    return found


async def test_a_call_is_counted_from_its_room_to_its_end(own_stack: Stack) -> None:
    async with crowd(own_stack, 3) as (a, b, waits):
        await meet(a, b)
        await waits.post("enqueue")
        during = await scrape(own_stack.http, own_stack.url)
        assert during.value("dormparty_rooms", state="open") == during.value("dormparty_rooms") == 1
        assert during.value("dormparty_users", state="IN_CALL") == 2
        assert during.value("dormparty_users", state="WAITING") == 1
        assert during.value("dormparty_users") == 3
        assert during.value("dormparty_streams") == 2
        assert during.value("dormparty_room_creation_seconds_count", outcome="done") == 1
        assert 0 < during.value("dormparty_room_creation_seconds_sum") < 3
        assert during.value(WEBHOOKS, event="participant_joined", outcome="applied") == 2
        assert during.value("dormparty_transitions_total", from_="CONNECTING", to="IN_CALL") == 2
        assert during.value("dormparty_matches_ended_total") == 0
        assert during.value("dormparty_alone_seconds_count") == 0

        await a.leave_room()
        await asyncio.sleep(0.5)  # alone for so long
        await part(b)
        after = await shows(
            own_stack,
            lambda seen: seen.value("dormparty_room_deletion_seconds_count", outcome="done") > 0,
            "a deleted room",
        )
        assert after.value("dormparty_matches_ended_total", reason="partner-left") == 1
        assert after.value("dormparty_alone_seconds_count") == 1
        assert 0.4 < after.value("dormparty_alone_seconds_sum") < 2
        for someone in (a, b, waits):
            await someone.post("end")


async def test_webhooks_are_counted_by_what_became_of_them(own_stack: Stack) -> None:
    async with crowd(own_stack, 2) as (a, b):
        match = await pair(a, b)
        room = await livekit_room(own_stack, a, match)
        joined = room.joined(a.user_id)
        await deliver(own_stack, joined, joined)
        foreign = LiveKitRoom(name="somebody-elses", sid="RM_1")
        await deliver(own_stack, foreign.finished(), room.event("something_new"))
        assert (await post_raw(own_stack, b"{}", None))[0] == 401
        late = room.joined(b.user_id) | {"createdAt": str(int(time.time()) - 40)}
        await deliver(own_stack, late)
        other_session = new_id()
        await own_stack.redis.set(pool_key(a.pool, "match", other_session), "no record")
        damaged = LiveKitRoom(name=room_name(a.pool, other_session), sid="RM_2")
        await deliver(own_stack, damaged.finished())
        await own_stack.redis.delete(pool_key(a.pool, "match", other_session))

        seen = await scrape(own_stack.http, own_stack.url)
        assert seen.value(WEBHOOKS, event="participant_joined", outcome="applied") == 2
        assert seen.value(WEBHOOKS, event="participant_joined", outcome="nothing") == 1
        assert seen.value(WEBHOOKS, event="room_finished", outcome="ignored") == 1
        assert seen.value(WEBHOOKS, event="other", outcome="ignored") == 1
        assert seen.value(WEBHOOKS, event="other", outcome="refused") == 1
        assert seen.value(WEBHOOKS, event="room_finished", outcome="failed") == 1
        ages = "dormparty_webhook_age_seconds_bucket"
        assert seen.value(ages, event="participant_joined", le="2.0") == 2
        assert seen.value(ages, event="participant_joined", le="30.0") == 2
        assert seen.value(ages, event="participant_joined", le="60.0") == 3
        await a.post("end")
        await b.post("end")


async def test_reconciliation_counts_what_it_finds_and_whether_livekit_answered(own_stack: Stack) -> None:
    async with api.LiveKitAPI(own_stack.livekit_server.url, KEY.key, KEY.secret) as livekit:
        orphan = room_name("main", new_id())
        await livekit.room.create_room(api.CreateRoomRequest(name=orphan))
    seen = await shows(own_stack, lambda seen: seen.value(FINDINGS) > 0, "a finding")
    assert seen.value(FINDINGS, kind="no-match") == seen.value(FINDINGS) == 1
    assert seen.value(RECONCILIATIONS, livekit="down") == 0
    await own_stack.livekit_server.kill()
    await shows(own_stack, lambda seen: seen.value(RECONCILIATIONS, livekit="down") > 0, "LiveKit is down")


async def test_while_redis_is_away_only_the_counts_of_the_state_are_missing(own_stack: Stack) -> None:
    async with crowd(own_stack, 1) as (someone,):
        await someone.post("enqueue")
        await own_stack.redis_server.kill()
        try:
            await misses(own_stack, "redis")
            room = LiveKitRoom(name=room_name(someone.pool, new_id()), sid="RM_1")
            assert (await post(own_stack, room.finished()))[0] == 503
            seen = await scrape(own_stack.http, own_stack.url)
        finally:
            await own_stack.redis_server.start()
        assert not {"dormparty_users", "dormparty_rooms"} & seen.names
        assert seen.value("dormparty_transitions_total", from_="IDLE", to="WAITING", reason="enqueue") == 1
        assert seen.value(WEBHOOKS, event="room_finished", outcome="failed") == 1
        await is_ready(own_stack)
        seen = await scrape(own_stack.http, own_stack.url)
        assert seen.value("dormparty_users", state="WAITING") == 1
        await someone.post("end")


def children_of(service: Server) -> list[int]:
    """Its worker processes."""
    return [int(pid) for pid in Path(f"/proc/{service.pid}/task/{service.pid}/children").read_text().split()]


def shared_files(directory: Path) -> list[Path]:
    """Where the processes count, below the directory for temporary files."""
    return [*directory.glob("dormparty-metrics-*"), *directory.glob("dormparty-metrics-*/*.db")]


async def from_each_process(service: Server) -> list[Scrape]:
    """What /metrics says on many new connections, any of which any process may get."""
    found = []
    for _ in range(12):
        async with aiohttp.ClientSession() as http:
            found.append(await scrape(http, service.url))
    return found


async def test_several_processes_count_as_one_also_after_their_death(
    own_stack: Stack, directory: Path
) -> None:
    env = {"WEB_CONCURRENCY": "2", "TMPDIR": str(directory)}
    async with own_stack.another_service(directory / "two", **env) as service:
        async with crowd(own_stack, STREAMS, url=service.url) as people:
            for someone in people:
                await someone.listen()
                await someone.post("enqueue")
            for seen in await from_each_process(service):
                assert seen.value("dormparty_streams") == STREAMS
                assert seen.value("dormparty_users") == STREAMS
                assert seen.value("dormparty_transitions_total", to="WAITING", reason="enqueue") == STREAMS

            before = children_of(service)
            for pid in before:
                os.kill(pid, signal.SIGKILL)

            async def replaced() -> bool:
                now = children_of(service)
                return len(now) == len(before) and not set(now) & set(before)

            await eventually(replaced, what="new processes")
            await eventually(lambda: answers_200(int(service.url.rpartition(":")[2]), "/healthz"))
            for seen in await from_each_process(service):
                assert seen.value("dormparty_streams") == 0
                assert seen.value("dormparty_transitions_total", to="WAITING", reason="enqueue") == STREAMS
            for someone in people:
                await someone.post("end")
        assert shared_files(directory)
    assert not shared_files(directory)
