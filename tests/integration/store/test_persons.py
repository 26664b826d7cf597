"""Whoever comes back with the same device is the same person, though another user."""

import pytest

from dormparty_sse.domain.models import UserRef
from dormparty_sse.domain.moderation import Offence, Verdict
from dormparty_sse.domain.names import new_id, room_name
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.domain.rules import Rules
from dormparty_sse.store.keys import pool_key
from dormparty_sse.store.moderation import ModerationStore
from dormparty_sse.store.store import Store
from tests.integration.store.people import People

DAY_MS = 86_400_000


@pytest.fixture
def moderation(store: Store) -> ModerationStore:
    return ModerationStore(store)


class Somebody:
    """A person with one device, who may come back as another user."""

    def __init__(self, store: Store, people: People) -> None:
        self.device = new_id()
        self._store = store
        self._people = people

    async def comes(self) -> UserRef:
        """As a new user, as after a sign-out or the end of a session."""
        user = UserRef(user_id=new_id(), pool=self._people.pool)
        await self._store.register(user, self.device)
        return user


@pytest.fixture
def a(store: Store, people: People) -> Somebody:
    return Somebody(store, people)


@pytest.fixture
def b(store: Store, people: People) -> Somebody:
    return Somebody(store, people)


async def match(store: Store, one: UserRef, other: UserRef) -> str | None:
    """Both come into the queue: the session if they are matched."""
    for user in (one, other):
        await store.enqueue(user, [])
    session = new_id()
    for pair in await store.reserve_pairs(one.pool, [(session, room_name(one.pool, session))]):
        await store.open_match(pair, "RM")
        return session
    return None


async def reports(store: Store, moderation: ModerationStore, reporter: UserRef, culprit: UserRef) -> str:
    """The two meet, and one reports the other; the report's id."""
    session = await match(store, reporter, culprit)
    assert session
    commit = await moderation.report(reporter, session, new_id(), Offence.SPAM, "")
    await store.end(culprit, None)
    return str(commit.fields["reportId"])


async def test_two_who_have_blocked_each_other_do_not_meet_as_others(
    store: Store, people: People, moderation: ModerationStore, a: Somebody, b: Somebody
) -> None:
    one, other = await a.comes(), await b.comes()
    session = await match(store, one, other)
    assert session
    await moderation.block(one, session)
    for user in (one, other):
        await store.sign_out(user, DAY_MS)
    assert not await match(store, await a.comes(), await b.comes())
    await people.assert_sound()


async def test_a_block_for_an_earlier_match_ends_that_with_the_same_person_as_another_user(
    store: Store, people: People, moderation: ModerationStore, a: Somebody, b: Somebody
) -> None:
    one, other = await a.comes(), await b.comes()
    earlier = await match(store, one, other)
    assert earlier
    for user in (one, other):
        await store.end(user, None)
    again = await b.comes()
    assert await match(store, one, again)
    await moderation.block(one, earlier)
    assert {(await people.user(user))["state"] for user in (one, again)} == {"WAITING"}
    await people.assert_sound()


async def test_a_partner_who_was_forgotten_meanwhile_is_blocked_all_the_same(
    store: Store, people: People, moderation: ModerationStore, a: Somebody, b: Somebody
) -> None:
    one, other = await a.comes(), await b.comes()
    session = await match(store, one, other)
    assert session
    for user in (one, other):
        await store.end(user, None)
    await people.forgets(other)
    await moderation.block(one, session)
    assert not await match(store, one, await b.comes())


async def test_the_skip_cooldown_goes_on_and_the_next_is_longer(
    store: Store, people: People, a: Somebody
) -> None:
    rules = Rules()

    async def skips(user: UserRef) -> list[Outcome]:
        outcomes = []
        for _ in range(rules.skips):
            (other,) = await people.idle(1)
            session = await match(store, user, other)
            outcomes.append((await store.skip(user, session)).outcome)
            for someone in (user, other):
                await store.end(someone, None)
        return outcomes

    first = await a.comes()
    assert set(await skips(first)) == {Outcome.SKIPPED}
    await store.sign_out(first, DAY_MS)
    second = await a.comes()
    until = (await store.status(second)).fields["cooldownUntil"]
    assert until > await store.time() + rules.skip_cooldowns_ms[0] - 10_000
    assert set(await skips(second)) == {Outcome.COOLING_DOWN}

    await people.redis.hset(pool_key(people.pool, "skip_cooldown", a.device), "until", "1")
    third = await a.comes()
    await skips(third)
    again = (await store.status(third)).fields["cooldownUntil"]
    assert again > await store.time() + rules.skip_cooldowns_ms[1] - 10_000


async def test_reports_of_each_of_its_users_count_against_somebody(
    store: Store, people: People, moderation: ModerationStore, a: Somebody
) -> None:
    culprits = [await a.comes() for _ in range(3)]
    pairs = zip(await people.idle(3), culprits, strict=True)
    *_, last = [await reports(store, moderation, reporter, culprit) for reporter, culprit in pairs]
    culprit = culprits[-1]  # the others' device is barred by the service
    assert (await store.enqueue(culprit, [])).outcome is Outcome.BARRED
    await moderation.resolve(people.pool, last, Verdict.DISMISSED, by="a moderator", note="", ban_ms=1)
    assert (await store.enqueue(culprit, [])).outcome is Outcome.QUEUED


async def test_somebody_who_reports_as_three_users_counts_once_though_they_are_forgotten(
    store: Store, people: People, moderation: ModerationStore, a: Somebody
) -> None:
    (culprit,) = await people.idle(1)
    met = []
    for _ in range(3):
        reporter = await a.comes()
        await people.forgets(reporter)
        met.append((reporter, await match(store, reporter, culprit)))
        for user in (reporter, culprit):
            await store.end(user, None)
    for reporter, session in met:
        assert session
        report = await moderation.report(reporter, session, new_id(), Offence.SPAM, "")
        assert report.outcome is Outcome.REPORTED
    assert (await store.enqueue(culprit, [])).outcome is Outcome.QUEUED


async def test_a_ban_reaches_the_device_of_a_user_who_is_forgotten(
    people: People, moderation: ModerationStore, a: Somebody
) -> None:
    user = await a.comes()
    await people.forgets(user)
    ban = await moderation.ban(user, "spam", for_ms=DAY_MS, with_device=True, by="a moderator")
    assert ban.fields["device"] == a.device


async def test_who_was_forgotten_and_goes_on_has_its_device_again(
    store: Store, people: People, a: Somebody
) -> None:
    user = await a.comes()
    await people.forgets(user)
    assert 0 < await people.redis.pttl(pool_key(people.pool, "device", user.user_id)) <= DAY_MS
    await store.enqueue(user, [])
    assert (await people.user(user))["device"] == a.device
