"""The queue, where people are away or have just met."""

import secrets
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from dormparty_sse.domain.models import UserRef
from dormparty_sse.store.keys import pool_key
from dormparty_sse.store.store import Store
from tests.support.stores import connected_store

AWAY = 250  # more than one page of the queue
CROWD = 120  # who may not meet each other: more pairs than one run looks at


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[Store]:
    async with connected_store(redis_url) as store:
        yield store


@pytest.fixture
def pool() -> str:
    return f"pool-{secrets.token_hex(6)}"


async def call(store: Store, a: UserRef, b: UserRef) -> str:
    """Both are in a call; returns its session."""
    for user in (a, b):
        await store.enqueue(user, [])
    session = secrets.token_hex(8)
    [pair] = await store.reserve_pairs(a.pool, [(session, f"room-{session}")])
    await store.open_match(pair, "RM")
    for number, user in enumerate((a, b)):
        await store.participant_joined(
            a.pool, event_id="", session_id=session, user_id=user.user_id, sid=f"PA{number}", joined_at=1
        )
    return session


async def test_crowd_that_is_away_holds_nobody_up(store: Store, redis_url: str, pool: str) -> None:
    away = [f"away-{number}" for number in range(AWAY)]
    here = [UserRef(user_id=f"here-{number}", pool=pool) for number in range(2)]
    for user_id in away:
        await store.enqueue(UserRef(user_id=user_id, pool=pool), [])
    async with Redis.from_url(redis_url) as redis:
        await redis.zadd(pool_key(pool, "presence"), dict.fromkeys(away, 1), xx=True)
    for user in here:
        await store.enqueue(user, [])
    assert (await store.status(here[0])).fields.get("holdReason") is None  # the other one is there
    [pair] = await store.reserve_pairs(pool, [("session", "room"), ("session-2", "room-2")])
    assert (pair.user1, pair.user2) == ("here-0", "here-1")


async def test_a_crowd_that_may_not_meet_hides_nobody_behind_it(
    store: Store, redis_url: str, pool: str
) -> None:
    crowd = [f"apart-{number}" for number in range(CROWD)]
    here = {"here-0", "here-1", "here-2"}
    for user_id in [*crowd, *sorted(here)]:
        await store.enqueue(UserRef(user_id=user_id, pool=pool), [])
    async with Redis.from_url(redis_url) as redis:
        for user_id in crowd:
            await redis.zadd(pool_key(pool, "blocks", user_id), dict.fromkeys(crowd, 1))
        names = [(f"session-{number}", f"room-{number}") for number in range(4)]
        assert not await store.reserve_pairs(pool, names)
        found = await store.reserve_pairs(pool, names)
        assert {user for pair in found for user in (pair.user1, pair.user2)} >= here
        assert not await redis.exists(pool_key(pool, "match_from"))  # from its head again, the next time


async def test_who_skips_has_no_news_of_an_older_match(store: Store, pool: str) -> None:
    a, b, c = (UserRef(user_id=name, pool=pool) for name in "abc")
    first = await call(store, a, b)
    await store.skip(b, first)
    for user in (a, b):
        await store.acknowledge_room_closing(user, f"room-{first}")
    await store.end(b, None)
    assert (await store.status(a)).fields["notification"]["sessionId"] == first
    await store.skip(a, await call(store, a, c))
    assert "notification" not in (await store.status(a)).fields


async def test_common_interests_are_named_once(store: Store, pool: str) -> None:
    a, b = (UserRef(user_id=name, pool=pool) for name in "ab")
    await store.enqueue(a, ["music", "chess", "music"])
    await store.enqueue(b, ["music", "music", "go"])
    [pair] = await store.reserve_pairs(pool, [("session", "room")])
    await store.open_match(pair, "RM")
    assert (await store.status(a)).fields["match"]["commonInterests"] == ["music"]
