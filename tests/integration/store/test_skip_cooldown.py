"""The skip cooldown, as the scripts decide it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from dormparty_sse.domain.models import Commit, UserRef
from dormparty_sse.domain.names import new_id, room_name
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.domain.rules import Rules
from dormparty_sse.store.keys import pool_key
from dormparty_sse.store.store import Store
from tests.integration.store.people import People
from tests.support.stores import connected_store

SKIPS = 3
COOLDOWNS_MS = (10_000, 20_000, 30_000)
CONVERSATION_MS = 60_000


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[Store]:
    rules = Rules(skips=SKIPS, skip_cooldowns_ms=COOLDOWNS_MS, conversation_ms=CONVERSATION_MS)
    async with connected_store(redis_url, rules) as store:
        yield store


async def meets_somebody(store: Store, people: People, user: UserRef) -> tuple[UserRef, str]:
    """The user gets a match with somebody new; returns that one and the session."""
    (other,) = await people.idle(1)
    for someone in (user, other):
        await store.enqueue(someone, [])
    session = new_id()
    (pair,) = await store.reserve_pairs(user.pool, [(session, room_name(user.pool, session))])
    await store.open_match(pair, "RM")
    return other, session


async def skips_once(store: Store, people: People, user: UserRef) -> Commit:
    other, session = await meets_somebody(store, people, user)
    commit = await store.skip(user, session)
    await store.end(other, None)
    await store.end(user, None)
    return commit


async def skips_into_a_cooldown(store: Store, people: People, user: UserRef) -> Commit:
    for _ in range(SKIPS - 1):
        commit = await skips_once(store, people, user)
        assert (commit.outcome, "cooldownUntil" in commit.fields) == (Outcome.SKIPPED, False)
    commit = await skips_once(store, people, user)
    assert commit.outcome is Outcome.SKIPPED
    return commit


async def is_over(people: People, user: UserRef) -> None:
    """The cooldown has passed."""
    await people.redis.hset(pool_key(user.pool, "skip_cooldown", user.user_id), "until", "1")


def length(commit: Commit) -> int:
    """Of the cooldown that has just begun, in ms."""
    return int(commit.fields["cooldownUntil"]) - commit.now


async def test_the_last_of_the_skips_is_made_and_begins_a_cooldown(store: Store, people: People) -> None:
    (user,) = await people.idle(1)
    commit = await skips_into_a_cooldown(store, people, user)
    until = commit.fields["cooldownUntil"]
    assert length(commit) == COOLDOWNS_MS[0]
    (*_, confirmed) = [event for event in await people.events(user) if event["type"] == "skip-confirmed"]
    assert confirmed["cooldownUntil"] == until
    assert (await store.status(user)).fields["cooldownUntil"] == until

    other, session = await meets_somebody(store, people, user)
    before = await people.contents()
    refused = await store.skip(user, session)
    assert (refused.outcome, refused.fields["cooldownUntil"]) == (Outcome.COOLING_DOWN, until)
    assert await people.contents() == before
    assert (await store.skip(other, session)).outcome is Outcome.SKIPPED  # its own affair
    assert (await store.end(user, None)).outcome is Outcome.CANCELLED
    await people.assert_sound()


async def test_end_is_possible_and_a_late_skip_is_answered_as_ever(store: Store, people: People) -> None:
    (user,) = await people.idle(1)
    await skips_into_a_cooldown(store, people, user)
    _, first = await meets_somebody(store, people, user)
    assert (await store.end(user, first)).outcome is Outcome.ENDED
    await meets_somebody(store, people, user)
    assert (await store.skip(user, first)).outcome is Outcome.ALREADY_PROCESSED


async def test_each_cooldown_is_longer_than_the_one_before_up_to_the_last(
    store: Store, people: People
) -> None:
    (user,) = await people.idle(1)
    lengths = []
    for _ in range(len(COOLDOWNS_MS) + 1):
        lengths.append(length(await skips_into_a_cooldown(store, people, user)))
        await is_over(people, user)
    assert tuple(lengths) == (*COOLDOWNS_MS, COOLDOWNS_MS[-1])


@pytest.mark.parametrize(("talked_ms", "next_ms"), [(1_000, COOLDOWNS_MS[1]), (60_000, COOLDOWNS_MS[0])])
async def test_a_conversation_begins_the_cooldowns_anew(
    store: Store, people: People, talked_ms: int, next_ms: int
) -> None:
    (user,) = await people.idle(1)
    await skips_into_a_cooldown(store, people, user)
    await is_over(people, user)
    other, session = await meets_somebody(store, people, user)
    for someone in (user, other):
        await people.joined(session, someone)
    key = pool_key(user.pool, "user", user.user_id)
    began = int(str(await people.redis.hget(key, "since")))
    await people.redis.hset(key, "since", str(began - talked_ms))
    await store.end(user, session)
    await store.acknowledge_room_closing(user, room_name(user.pool, session))
    assert length(await skips_into_a_cooldown(store, people, user)) == next_ms


async def test_skips_long_ago_do_not_count(store: Store, people: People) -> None:
    (user,) = await people.idle(1)
    for _ in range(SKIPS - 1):
        await skips_once(store, people, user)
    skips = pool_key(user.pool, "skips", user.user_id)
    assert 0 < await people.redis.pttl(skips) <= store.rules.skip_window_ms
    for member in await people.redis.zrange(skips, 0, -1):
        await people.redis.zincrby(skips, -store.rules.skip_window_ms, str(member))
    assert "cooldownUntil" not in (await skips_once(store, people, user)).fields


async def test_being_skipped_never_counts(store: Store, people: People) -> None:
    (user,) = await people.idle(1)
    for _ in range(SKIPS * 2):
        other, session = await meets_somebody(store, people, user)
        assert (await store.skip(other, session)).outcome is Outcome.SKIPPED
        await store.end(other, None)
        await store.end(user, None)
    assert "cooldownUntil" not in (await store.status(user)).fields
    assert not await people.redis.exists(pool_key(user.pool, "skips", user.user_id))


async def test_many_skips_at_once_count_once(store: Store, people: People) -> None:
    (user,) = await people.idle(1)
    for _ in range(SKIPS - 1):
        other, session = await meets_somebody(store, people, user)
        commits = await asyncio.gather(*(store.skip(user, session) for _ in range(20)))
        assert [commit.outcome for commit in commits].count(Outcome.SKIPPED) == 1
        for someone in (user, other):
            await store.end(someone, None)
    assert "cooldownUntil" not in (await store.status(user)).fields
    assert "cooldownUntil" in (await skips_once(store, people, user)).fields
