"""The emergency cleanup of a pool: it ends, whoever comes back, and leaves nothing that cannot end."""

from collections.abc import AsyncIterator

from dormparty_sse.domain.models import Commit
from dormparty_sse.domain.states import State
from dormparty_sse.store.control import Control
from dormparty_sse.store.keys import pool_key
from dormparty_sse.store.store import Store
from tests.integration.store.people import People

STATES = [State.DISCONNECTING, State.IN_CALL, State.CONNECTING, State.WAITING, State.IDLE]
MANY = 500  # more than Redis looks through in one step
MOST_CALLS = 100


async def calls(store: Store, people: People, limit: int) -> AsyncIterator[Commit]:
    """One call after the other, until all is done."""
    commit = await Control(store).cleanup_pool(people.pool, limit)
    yield commit
    for _ in range(MOST_CALLS):
        if "at" not in commit.fields:
            return
        commit = await Control(store).cleanup_pool(people.pool, limit, commit)
        yield commit
    raise AssertionError("the cleanup does not end")


async def test_an_emptied_pool_keeps_nothing_but_rooms_to_be_deleted(store: Store, people: People) -> None:
    for start in STATES:  # who waits comes last, else it would be matched
        await people.pair_in(start)
    removed = sum([commit.fields["removed"] async for commit in calls(store, people, 3)])
    assert removed == 2 * len(STATES)
    for room in (await store.run_deadlines(people.pool, 100)).fields["rooms"]:
        await store.room_deleted(people.pool, room["sessionId"])
    kinds = {key.removeprefix(f"{{{people.pool}}}:").split(":")[0] for key in await people.contents()}
    assert kinds <= {"match", "operation", "statistics"}
    for key in await people.contents():
        assert await people.redis.pttl(key) > 0, key


async def test_it_ends_though_those_it_removes_come_back_at_once(store: Store, people: People) -> None:
    everybody = await people.idle(MANY)
    before = {user: (await people.user(user))["createdAt"] for user in everybody}
    removed = 0
    async for commit in calls(store, people, 50):
        removed += commit.fields["removed"]
        for user in everybody:
            await store.register(user)
    assert removed == MANY
    for user in everybody:
        assert (await people.user(user))["createdAt"] > before[user]
    await people.assert_sound()


async def test_a_match_made_meanwhile_goes_on(store: Store, people: People) -> None:
    await people.idle(3)
    first = await Control(store).cleanup_pool(people.pool, 50)
    pair = await people.pair_in(State.CONNECTING)
    waiting = await people.pair_in(State.WAITING)
    commit = first
    while "at" in commit.fields:
        commit = await Control(store).cleanup_pool(people.pool, 50, commit)
    assert (await people.user(pair.a))["state"] == "CONNECTING"
    (late,) = await people.idle(1)
    await store.enqueue(late, [])
    line = await people.redis.zrange(pool_key(people.pool, "queue"), 0, -1)
    assert line == [waiting.a.user_id, waiting.b.user_id, late.user_id]
    await people.assert_sound()


async def test_matches_that_nothing_is_known_of_are_forgotten(store: Store, people: People) -> None:
    matches = pool_key(people.pool, "matches")
    await people.redis.zadd(matches, {f"ghost-{number}": 1 for number in range(MANY)})
    await people.redis.hset(pool_key(people.pool, "match", "nameless"), "phase", "open")
    await people.redis.zadd(matches, {"nameless": 1})
    async for _ in calls(store, people, 50):
        pass
    assert await people.redis.zcard(matches) == 0
    assert not await people.redis.exists(pool_key(people.pool, "match", "ghost-1"))
    assert await people.redis.pttl(pool_key(people.pool, "match", "nameless")) > 0
    assert (await store.run_deadlines(people.pool, 100)).fields["rooms"] in ([], {})


async def test_a_room_without_a_name_is_not_handed_out(store: Store, people: People) -> None:
    pair = await people.pair_in(State.CONNECTING)
    await store.skip(pair.a, pair.session_id)
    await people.redis.hdel(pool_key(people.pool, "match", pair.session_id), "roomName")
    assert (await store.run_deadlines(people.pool, 100)).fields["rooms"] in ([], {})
    assert await people.redis.zcard(pool_key(people.pool, "matches")) == 0
    await people.assert_sound()
