"""The scripts and Redis: every one compiles there, and the keys it makes are those that Python knows."""

import re
import secrets
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from dormparty_sse.domain.models import UserRef
from dormparty_sse.domain.names import new_id, room_name
from dormparty_sse.domain.rules import Rules
from dormparty_sse.store.keys import POOL_KEYS
from dormparty_sse.store.scripts import prelude, script_names, script_text
from dormparty_sse.store.store import Store
from tests.support.stores import connected_store


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[Store]:
    async with connected_store(redis_url) as store:
        yield store


@pytest.mark.parametrize("name", script_names())
async def test_a_script_compiles(name: str, redis: Redis) -> None:
    digest = await redis.script_load(script_text(name, Rules()))
    assert re.fullmatch(r"[0-9a-f]{40}", digest)


async def test_lua_builds_the_keys_that_python_does(redis: Redis) -> None:
    for name, template in POOL_KEYS.items():
        script = f"{prelude(Rules())}\nreturn KEY.{name}('ID')"
        assert await redis.eval(script, 1, "{main}") == "{main}" + template.replace("%s", "ID")


async def test_a_pool_leaves_no_key_that_has_no_name(store: Store, redis: Redis) -> None:
    pool = f"pool-{secrets.token_hex(6)}"
    a, b = (UserRef(user_id=new_id(), pool=pool) for _ in range(2))
    for user in (a, b):
        await store.register(user)
        await store.enqueue(user, ["music"])
    session = new_id()
    (reservation,) = await store.reserve_pairs(pool, [(session, room_name(pool, session))])
    await store.open_match(reservation, "RM")
    await store.participant_joined(
        pool, event_id="EV", session_id=session, user_id=a.user_id, sid="PA", joined_at=1
    )
    await store.skip(a, session)

    patterns = [
        re.compile(re.escape(f"{{{pool}}}{template}").replace("%s", r"[\w-]+"))
        for template in POOL_KEYS.values()
    ]
    keys = [str(key) async for key in redis.scan_iter(f"*{pool}*")]
    assert len(keys) > 8
    for key in keys:
        assert any(pattern.fullmatch(key) for pattern in patterns), key
