"""Redis is killed, stopped, emptied, slow or cut off in the middle of it all: nobody is stuck afterwards."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.calls import meet, part, skip_and_go_home
from tests.support.crowd import crowd
from tests.support.faults import append_only_file, held_still, is_ready, readiness
from tests.support.person import Person, same_person
from tests.support.proxy import proxy
from tests.support.restless import restless
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually

SIZE = 24
A_WHILE_S = 2.0  # of pressing buttons; what is tested is not how long
PAUSE_S = 10.0
LOST_S = 1.0
LATENCY_S = 0.1  # each way; a request goes there more than once


@pytest.fixture(scope="module")
async def own_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with running_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running
        assert '"status":500' not in running.service_log.replace(" ", "")


async def test_after_a_kill_under_load_the_state_is_sound_and_nobody_is_stuck(own_stack: Stack) -> None:
    async with crowd(own_stack, SIZE) as people, restless(people) as them:
        for _ in range(2):
            await asyncio.sleep(A_WHILE_S)
            await own_stack.redis_server.kill()
            await own_stack.redis_server.start()
        await asyncio.sleep(A_WHILE_S)
        await them.rest()
        await is_ready(own_stack)
        await own_stack.assert_sound(people[0].pool)
        assert them.statuses[200] > SIZE
        assert them.statuses[503] > 0
        await them.go_home()
        them.have_lost_nothing()


@pytest.mark.parametrize("torn", [0, 7])
async def test_after_a_crash_that_lost_the_last_second_the_state_is_sound_and_nobody_is_stuck(
    own_stack: Stack, torn: int
) -> None:
    """What a machine that crashes loses with `everysec`, its last command perhaps torn after some bytes."""
    async with crowd(own_stack, SIZE) as people, restless(people) as them:
        await asyncio.sleep(A_WHILE_S)
        file = append_only_file(own_stack.redis_server)
        kept = file.stat().st_size + torn
        await asyncio.sleep(LOST_S)
        await own_stack.redis_server.kill()
        assert file.stat().st_size > kept
        os.truncate(file, kept)
        await own_stack.redis_server.start()
        await is_ready(own_stack)
        await them.rest()
        await own_stack.assert_sound(people[0].pool)
        assert any(event.get("resync") for someone in people for event in someone.events), "nothing was lost"
        await them.go_home()
        them.have_lost_nothing()


async def test_while_redis_is_stopped_every_answer_says_so_in_time_and_afterwards_all_goes_on(
    own_stack: Stack,
) -> None:
    async with crowd(own_stack, SIZE) as people, restless(people) as them:
        await asyncio.sleep(A_WHILE_S)
        with held_still(own_stack.redis_server):
            paused = asyncio.create_task(asyncio.sleep(PAUSE_S))
            async with asyncio.timeout(own_stack.settings.redis_command_timeout + 1):
                status, problem = await people[0].request("POST", "/api/matching/enqueue")
            assert (status, problem["code"]) == (503, "unavailable")
            assert (await readiness(own_stack))[0] == 503
            async with own_stack.http.get(f"{own_stack.url}/healthz") as alive:
                assert alive.status == 200
            await paused
        await is_ready(own_stack)
        await asyncio.sleep(A_WHILE_S)
        await them.rest()
        await own_stack.assert_sound(people[0].pool)
        assert them.statuses[200] > 0 < them.statuses[503]
        await them.go_home()
        them.have_lost_nothing()


async def test_everybody_is_told_to_start_again_when_redis_has_been_emptied(own_stack: Stack) -> None:
    async with crowd(own_stack, SIZE) as people, restless(people) as them:
        await asyncio.sleep(A_WHILE_S)
        await them.have_moved()
        await them.rest()
        before = [len(someone.events) for someone in people]
        await own_stack.redis.flushall()
        for someone, seen in zip(people, before, strict=True):
            assert await begins_anew(someone, seen) == "IDLE"
        await own_stack.assert_sound(people[0].pool)
        async with crowd(own_stack, 2, pool=people[0].pool) as (a, b):
            await meet(a, b)
            await a.post("end")
            await part(a, b)
            await b.post("end")


async def test_everybody_is_told_also_when_redis_is_emptied_while_they_press(own_stack: Stack) -> None:
    async with crowd(own_stack, SIZE) as people, restless(people) as them:
        for _ in range(2):
            await asyncio.sleep(A_WHILE_S)
            await them.have_moved()
            before = [len(someone.events) for someone in people]
            await own_stack.redis.flushall()
            for someone, seen in zip(people, before, strict=True):
                await begins_anew(someone, seen)
        await asyncio.sleep(A_WHILE_S)
        await them.rest()
        await own_stack.assert_sound(people[0].pool)
        await them.go_home()
        them.have_lost_nothing()


async def begins_anew(someone: Person, seen: int) -> str:
    """Waits for the new snapshot; its state."""

    async def comes() -> list[str]:
        later = someone.events[seen:]
        return [event["state"] for event in later if event["type"] == "connected" and event["resync"]]

    return (await eventually(comes, what="a snapshot that stands for what was lost"))[-1]


async def test_people_in_a_call_are_told_too_and_no_room_is_left(own_stack: Stack) -> None:
    async with crowd(own_stack, 2) as (a, b):
        await meet(a, b)
        await own_stack.redis.flushall()
        for someone in (a, b):
            await someone.event("draining")
            connected = await someone.listen(someone.last_event_id)
            assert (connected["resync"], connected["state"], connected["match"]) == (True, "IDLE", None)
            await someone.leave_room()


async def test_buttons_pressed_after_redis_was_emptied_begin_anew_too(own_stack: Stack) -> None:
    async with crowd(own_stack, 1) as (someone,):
        await someone.listen()
        for _ in range(2):
            await someone.post("enqueue")
            await someone.post("end")
        await someone.event("idle")
        await own_stack.redis.flushall()
        assert (await someone.post("skip"))["outcome"] == "no-active-match"
        assert (await someone.post("enqueue"))["seq"] == 1
        await someone.event("draining")
        connected = await someone.listen(someone.last_event_id)
        assert (connected["resync"], connected["state"], connected["seq"]) == (True, "WAITING", 1)
        await someone.post("end")


async def test_whoever_asks_first_after_redis_was_emptied_is_told_at_once(own_stack: Stack) -> None:
    async with crowd(own_stack, 1) as (someone,):
        await someone.listen()
        await someone.post("enqueue")
        await someone.event("queued")
        await own_stack.redis.flushall()
        assert await someone.state() == "IDLE"
        await someone.event("draining", timeout_s=2)
        connected = await someone.listen(someone.last_event_id)
        assert (connected["resync"], connected["state"]) == (True, "IDLE")


async def test_the_newest_stream_wins_also_after_redis_was_emptied(own_stack: Stack) -> None:
    async with crowd(own_stack, 1) as (someone,), same_person(someone) as again:
        for _ in range(3):
            await someone.listen()
        await own_stack.redis.flushall()
        await again.listen()

        async def gives_way() -> bool:
            return not someone.listening

        await eventually(gives_way, 2, "the older stream ends")
        assert again.listening


async def test_a_slow_way_to_redis_makes_all_slow_and_nothing_else(directory: Path) -> None:
    slowly = {"REDIS_COMMAND_TIMEOUT": "5", "CONNECT_TIMEOUT_S": "20"}
    async with (
        proxy() as way,
        running_stack(directory, way, **slowly) as stack,
        crowd(stack, 2) as (a, b),
    ):
        way.latency_s = LATENCY_S
        await meet(a, b)
        await skip_and_go_home(a, b)
        way.latency_s = 0


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_connections_cut_at_random_bytes_lose_nothing(
    own_stack: Stack, directory: Path, seed: int
) -> None:
    async with proxy() as way:
        await way.open(int(own_stack.redis_server.url.rpartition(":")[2].partition("/")[0]))
        async with (
            own_stack.another_service(directory, REDIS_URL=way.redis_url) as service,
            crowd(own_stack, SIZE, url=service.url) as people,
            restless(people) as them,
        ):
            way.cut_at_random(seed, within=20_000)
            await asyncio.sleep(2 * A_WHILE_S)
            await way.open()
            await asyncio.sleep(A_WHILE_S)
            await them.rest()
            await own_stack.assert_sound(people[0].pool)
            assert way.cuts > 5
            await them.go_home()
            them.have_lost_nothing()
            assert not any(event.get("resync") for someone in people for event in someone.events)
