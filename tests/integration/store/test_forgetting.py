"""Nothing stays for ever: every key has an owner or a TTL, and whoever has gone leaves no trace."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from dormparty_sse.domain.models import UserRef
from dormparty_sse.domain.rules import Rules
from dormparty_sse.domain.states import State
from dormparty_sse.store.control import Control
from dormparty_sse.store.keys import pool_key
from dormparty_sse.store.store import Store
from tests.integration.store.people import People
from tests.support.ownership import ownerless
from tests.support.stores import connected_store
from tests.support.waiting import eventually

#: So short that the test sees everything end.
SHORT = Rules(
    pair_cooldown_ms=50,
    reservation_ms=100,
    connect_timeout_ms=100,
    leave_timeout_ms=50,
    unreachable_after_ms=200,
    stale_after_ms=300,
    user_ttl_ms=600,
    remembered_ms=200,
    skip_window_ms=200,
    match_ttl_ms=300,
    operation_ttl_ms=200,
    statistics_ttl_ms=500,
    webhook_ttl_ms=200,
    room_delete_retry_ms=50,
)


@pytest.fixture
async def short_lived(redis_url: str) -> AsyncIterator[Store]:
    async with connected_store(redis_url, SHORT) as store:
        yield store


async def crowd_in_every_state(people: People) -> list[UserRef]:
    everybody: list[UserRef] = []
    for state in reversed(State):
        pair = await people.pair_in(state)
        everybody += [pair.a, pair.b]
    return everybody


async def look_after(store: Store, pool: str) -> None:
    """What any process does, once."""
    for room in (await store.run_deadlines(pool, 100)).fields["rooms"]:
        await store.room_deleted(pool, room["sessionId"])


async def test_while_people_are_there_every_key_has_an_owner_or_a_ttl(store: Store, people: People) -> None:
    users = await crowd_in_every_state(people)
    assert await ownerless(people.redis, people.pool) == {}
    for user in users:
        await store.open_stream(user, None)
        await store.skip(user, None)
        await store.end(user, None)
    assert await ownerless(people.redis, people.pool) == {}
    await Control(store).cleanup_user(users[0])
    assert await ownerless(people.redis, people.pool) == {}


async def test_a_key_that_nobody_owns_is_noticed(people: People) -> None:
    (user,) = await people.idle(1)
    await people.redis.zrem(pool_key(people.pool, "deadlines"), f"presence:{user.user_id}")
    await people.redis.set(f"{{{people.pool}}}:surprise", 1)
    await people.redis.zadd(pool_key(people.pool, "idle"), {"nobody": 1})
    found = await ownerless(people.redis, people.pool)
    assert set(found) == {
        pool_key(people.pool, "user", user.user_id),
        f"{{{people.pool}}}:surprise",
        "idle nobody",
    }


async def test_when_everybody_has_gone_nothing_is_left(short_lived: Store, redis_url: str) -> None:
    async with Redis.from_url(redis_url, decode_responses=True) as redis:
        people = People(short_lived, redis)
        users = await crowd_in_every_state(people)
        assert await people.traces(users[0])

        async def forgotten() -> bool:
            await look_after(short_lived, people.pool)
            return {str(key) async for key in redis.scan_iter(f"{{{people.pool}}}*")} <= {average_wait}

        average_wait = pool_key(people.pool, "average_wait")
        await eventually(forgotten, 15, "an empty pool")
        assert 0 < await redis.pttl(average_wait) <= 600_000
        assert people.pool not in await short_lived.pools()


async def test_one_who_has_gone_leaves_no_trace_among_those_who_stay(
    short_lived: Store, redis_url: str
) -> None:
    async with Redis.from_url(redis_url, decode_responses=True) as redis:
        people = People(short_lived, redis)
        pair = await people.pair_in(State.IN_CALL)
        await short_lived.end(pair.a, pair.session_id)

        async def forgotten() -> bool:
            await short_lived.status(pair.b)  # stays
            await look_after(short_lived, people.pool)
            return await people.traces(pair.a) == set()

        await eventually(forgotten, 15, "no trace")
        assert await people.user(pair.b)
        assert await ownerless(redis, people.pool) == {}
