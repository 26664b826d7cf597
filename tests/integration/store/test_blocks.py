"""Who has blocked whom, and whom that keeps apart."""

import asyncio
import random
from itertools import combinations

import pytest

from dormparty_sse.domain.models import UserRef
from dormparty_sse.domain.names import new_id, room_name
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.domain.states import State
from dormparty_sse.store.keys import pool_key
from dormparty_sse.store.moderation import ModerationStore
from dormparty_sse.store.store import Store
from tests.integration.store.people import Pair, People

pytestmark = pytest.mark.busy

MATCHES = 10_000
CROWD = 40
BLOCKED_PAIRS = 130  # of 780
AT_ONCE = 20


@pytest.fixture
def moderation(store: Store) -> ModerationStore:
    return ModerationStore(store)


async def match(store: Store, a: UserRef, b: UserRef) -> str:
    """The two meet; returns the session."""
    for user in (a, b):
        await store.enqueue(user, [])
    session = new_id()
    (pair,) = await store.reserve_pairs(a.pool, [(session, room_name(a.pool, session))])
    assert {pair.user1, pair.user2} == {a.user_id, b.user_id}
    await store.open_match(pair, "RM")
    return session


async def can_meet(store: Store, a: UserRef, b: UserRef) -> bool:
    """Two who are free join the queue: are they matched?"""
    for user in (a, b):
        await store.enqueue(user, [])
    found = await store.reserve_pairs(a.pool, [(new_id(), "room")])
    for reservation in found:
        await store.release(reservation)
    return bool(found)


async def go_home(store: Store, *users: UserRef) -> None:
    for user in users:
        await store.end(user, None)


@pytest.mark.parametrize("state", [State.CONNECTING, State.IN_CALL])
async def test_a_block_ends_the_match_as_a_skip_does(
    store: Store, people: People, moderation: ModerationStore, state: State
) -> None:
    pair = await people.pair_in(state)
    commit = await moderation.block(pair.a, pair.session_id)
    assert commit.outcome is Outcome.BLOCKED
    for user, kind, reason in ((pair.a, "skip-confirmed", None), (pair.b, "force-disconnect", "blocked")):
        await store.acknowledge_room_closing(user, room_name(user.pool, pair.session_id))
        assert (await people.user(user))["state"] == "WAITING"
        (told,) = [event for event in await people.events(user) if event["type"] == kind]
        assert (told["targetState"], told.get("reason")) == ("WAITING", reason)
    assert not await store.reserve_pairs(people.pool, [(new_id(), "room")])
    for user in (pair.a, pair.b):
        assert (await store.status(user)).fields["holdReason"] == "blocked"
    await people.assert_sound()


async def test_it_works_both_ways_and_outlives_both(
    store: Store, people: People, moderation: ModerationStore
) -> None:
    a, b = await people.idle(2)
    await moderation.block(a, await match(store, a, b))
    for first, second in ((a, b), (b, a)):
        await go_home(store, a, b)
        assert not await can_meet(store, first, second)
    await go_home(store, a, b)
    await people.forgets(a, b)
    assert not await can_meet(store, a, b)
    for user in (a, b):
        ttl = await people.redis.pttl(pool_key(people.pool, "blocks", user.user_id))
        assert ttl > store.rules.block_ttl_ms - 60_000


async def test_an_earlier_partner_can_be_blocked_and_the_match_of_now_goes_on(
    store: Store, people: People, moderation: ModerationStore
) -> None:
    user, *others = await people.idle(store.rules.partners_kept + 2)
    sessions = []
    for other in others:
        sessions.append(await match(store, user, other))
        await go_home(store, user, other)
    now = await match(store, user, (await people.idle(1))[0])
    before = await people.contents()
    assert (await moderation.block(user, sessions[0])).outcome is Outcome.UNKNOWN_SESSION
    assert await people.contents() == before
    for session, other in list(zip(sessions, others, strict=True))[1:]:
        assert (await moderation.block(user, session)).outcome is Outcome.BLOCKED
        assert await people.redis.zscore(pool_key(people.pool, "blocks", other.user_id), user.user_id)
    assert (await people.user(user))["sessionId"] == now
    await people.assert_sound()


async def test_a_block_for_an_earlier_match_ends_a_new_one_with_the_same_partner(
    store: Store, people: People, moderation: ModerationStore
) -> None:
    a, b = await people.idle(2)
    earlier = await match(store, a, b)
    await go_home(store, a, b)
    await match(store, a, b)
    await moderation.block(b, earlier)
    assert {(await people.user(user))["state"] for user in (a, b)} == {"WAITING"}
    await people.assert_sound()


async def test_a_pair_that_is_blocked_while_its_room_is_made_does_not_meet(
    store: Store, people: People, moderation: ModerationStore
) -> None:
    a, b = await people.idle(2)
    earlier = await match(store, a, b)
    await go_home(store, a, b)
    for user in (a, b):
        await store.enqueue(user, [])
    (reservation,) = await store.reserve_pairs(people.pool, [(new_id(), "room")])
    await moderation.block(a, earlier)
    assert (await store.open_match(reservation, "RM")).outcome is Outcome.NOTHING
    assert {(await people.user(user))["state"] for user in (a, b)} == {"WAITING"}
    await people.assert_sound()


async def test_other_peoples_matches_and_made_up_ones_change_nothing(
    people: People, moderation: ModerationStore
) -> None:
    pair: Pair = await people.pair_in(State.IN_CALL)
    (stranger,) = await people.idle(1)
    before = await people.contents()
    assert (await moderation.block(stranger, pair.session_id)).outcome is Outcome.FOREIGN_SESSION
    for made_up in (new_id(), "a b", pair.b.user_id, f"{pair.session_id} {pair.b.user_id}"):
        assert (await moderation.block(stranger, made_up)).outcome is Outcome.UNKNOWN_SESSION
    assert await people.contents() == before


@pytest.mark.timeout(300)
async def test_blocked_pairs_never_meet_in_ten_thousand_random_matches(
    store: Store, people: People, moderation: ModerationStore
) -> None:
    dice = random.Random(7)  # noqa: S311  # the same matches each time
    users = {user.user_id: user for user in await people.idle(CROWD)}
    everybody = list(combinations(sorted(users), 2))
    apart = {frozenset(pair) for pair in dice.sample(everybody, BLOCKED_PAIRS)}
    for one, other in map(sorted, apart):
        session = await match(store, users[one], users[other])
        await moderation.block(users[one], session)
        await go_home(store, users[one], users[other])
        await store.room_deleted(people.pool, session)

    met: list[frozenset[str]] = []
    while len(met) < MATCHES:
        line = dice.sample(sorted(users), CROWD)
        await asyncio.gather(*(store.enqueue(users[user], []) for user in line))
        names = [(session, room_name(people.pool, session)) for session in (new_id() for _ in range(AT_ONCE))]
        pairs = await store.reserve_pairs(people.pool, names)
        await asyncio.gather(*(store.open_match(pair, "RM") for pair in pairs))
        met += [frozenset((pair.user1, pair.user2)) for pair in pairs]
        await asyncio.gather(*(store.end(user, None) for user in users.values()))
        await asyncio.gather(*(store.room_deleted(people.pool, pair.session_id) for pair in pairs))
    assert not apart & set(met)
    assert len(set(met)) == len(everybody) - BLOCKED_PAIRS  # everybody else has met
    await people.assert_sound()
