"""Redis goes away: each process limits by itself, as strictly, without waiting; then Redis counts."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

import pytest

from tests.support.asking import asking_from
from tests.support.faults import held_still, is_ready
from tests.support.stack import QUICK, Stack, running_stack
from tests.support.waiting import eventually

_LIMITS = json.loads(QUICK["RATE_LIMITS"]) | {"actions_address": "5/hour"}
HEARTBEAT = "/api/matching/heartbeat"


@pytest.fixture(scope="module")
async def own_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    directory = tmp_path_factory.mktemp("stack")
    async with running_stack(directory, RATE_LIMITS=json.dumps(_LIMITS)) as running:
        yield running


async def statuses(stack: Stack, address: str, number: int = 8) -> list[int]:
    """Those of requests of somebody without a session, which need no Redis but for the limit."""
    found = []
    async with asking_from(address) as http:
        for _ in range(number):
            async with http.post(stack.url + HEARTBEAT) as answer:
                found.append(answer.status)
    return found


async def is_counted_in_redis(stack: Stack) -> None:
    """Waits until what is asked leaves a count in Redis."""

    async def counted() -> bool:
        await stack.redis.flushall()
        await statuses(stack, "127.0.6.250", 1)
        return [key async for key in stack.redis.scan_iter("dormparty:requests:*")] != []

    await eventually(counted, what="a count in Redis")


async def test_a_local_limit_of_the_same_size_takes_over_until_redis_is_back(own_stack: Stack) -> None:
    assert await statuses(own_stack, "127.0.6.1") == [401] * 5 + [429] * 3
    await own_stack.redis_server.kill()
    try:
        assert await statuses(own_stack, "127.0.6.2") == [401] * 5 + [429] * 3
        assert own_stack.service_log.count("rate_limits_local") == 1
        begin = time.monotonic()
        await statuses(own_stack, "127.0.6.3", 100)
        assert time.monotonic() - begin < 2
    finally:
        await own_stack.redis_server.start()
    await is_ready(own_stack)
    await is_counted_in_redis(own_stack)
    assert await statuses(own_stack, "127.0.6.4") == [401] * 5 + [429] * 3
    assert "rate_limits_shared" in own_stack.service_log


async def test_nobody_waits_for_a_redis_that_hangs(own_stack: Stack) -> None:
    await is_counted_in_redis(own_stack)
    with held_still(own_stack.redis_server):
        begin = time.monotonic()
        found = await asyncio.gather(*(statuses(own_stack, f"127.0.6.{number}") for number in range(10, 20)))
        took_s = time.monotonic() - begin
    assert found == [[401] * 5 + [429] * 3] * 10
    assert took_s < 1.5  # less than Redis's own timeout, of 2 s
    await is_ready(own_stack)
    await is_counted_in_redis(own_stack)
