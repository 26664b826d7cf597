"""A user's log is bounded by its length and by age; whoever can no longer resume from it is told so."""

import pytest

from dormparty_sse.domain.models import UserRef
from dormparty_sse.domain.names import new_id
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.domain.rules import Rules
from dormparty_sse.domain.states import State
from dormparty_sse.store.control import Control
from dormparty_sse.store.keys import pool_key
from dormparty_sse.store.store import Store
from tests.integration.store.people import People
from tests.support.stores import connected_store
from tests.support.waiting import eventually

AGE_MS = Rules().log_age_ms


async def log_ids(people: People, user: UserRef) -> list[str]:
    entries = await people.redis.xrange(pool_key(people.pool, "log", user.user_id)) or []
    return [str(entry_id) for entry_id, _ in entries]


async def make_older(people: People, user: UserRef, by_ms: int) -> None:
    """Moves all that is in the log into the past."""
    log = pool_key(people.pool, "log", user.user_id)
    entries = await people.redis.xrange(log) or []
    await people.redis.delete(log)
    for entry_id, fields in entries:
        ms, number = str(entry_id).split("-")
        await people.redis.xadd(log, {"data": (fields or {})["data"]}, id=f"{int(ms) - by_ms}-{number}")


def ms_of(event_id: str) -> str:
    return event_id.partition("-")[0]


async def steps(store: Store, user: UserRef, rounds: int) -> None:
    """Two steps for each round."""
    for _ in range(rounds):
        await store.enqueue(user, [])
        await store.end(user, None)


async def resumed(store: Store, user: UserRef, last_event_id: str) -> tuple[bool, int]:
    """(resync, how many events are replayed) for a client with this id."""
    fields = (await store.open_stream(user, last_event_id)).fields
    return fields["resync"], len(fields["events"])


@pytest.fixture
async def user(people: People) -> UserRef:
    (someone,) = await people.idle(1)
    return someone


async def test_what_is_younger_than_the_bound_can_be_resumed_from(
    store: Store, people: People, user: UserRef
) -> None:
    await steps(store, user, 1)
    await make_older(people, user, AGE_MS - 60_000)
    first, _ = await log_ids(people, user)
    await steps(store, user, 1)
    assert await resumed(store, user, first) == (False, 3)
    assert await resumed(store, user, "0-0") == (False, 4)


async def test_an_id_older_than_the_bound_means_resync(store: Store, people: People, user: UserRef) -> None:
    await steps(store, user, 1)
    await make_older(people, user, AGE_MS + 1)
    first, last = await log_ids(people, user)
    assert await resumed(store, user, first) == (True, 0)
    await steps(store, user, 1)
    assert await resumed(store, user, last) == (False, 2)  # nothing that came after it is too old


async def test_who_has_the_newest_event_has_missed_nothing_however_old_it_is(
    store: Store, people: People, user: UserRef
) -> None:
    await steps(store, user, 1)
    await make_older(people, user, 10 * AGE_MS)
    assert await resumed(store, user, (await log_ids(people, user))[-1]) == (False, 0)


async def test_a_new_event_drives_out_those_that_are_too_old(
    store: Store, people: People, user: UserRef
) -> None:
    await steps(store, user, 3)
    await make_older(people, user, AGE_MS + 1)
    await store.enqueue(user, [])
    assert len(await log_ids(people, user)) == 2  # it, and the one that it followed
    assert (await people.user(user))["logFrom"] == "6"
    await people.assert_sound()
    await steps(store, user, 2)
    await people.assert_sound()


async def test_an_old_log_is_shortened_though_nothing_happens_and_keeps_its_newest_event(
    people: People, redis_url: str
) -> None:
    user = UserRef(user_id=new_id(), pool=people.pool)
    async with connected_store(redis_url, Rules(stale_after_ms=500, user_ttl_ms=1_000)) as store:
        await steps(store, user, 3)
        await make_older(people, user, 10 * AGE_MS)
        last = (await log_ids(people, user))[-1]

        async def shrunk() -> bool:
            await store.seen(people.pool, {user.user_id: 0})  # the user is there all the time
            await store.run_deadlines(people.pool, 100)  # and nothing happens to it
            return len(await log_ids(people, user)) < 6

        await eventually(shrunk, what="a shorter log")
        left = await log_ids(people, user)
        assert left[-1] == last
        assert {ms_of(entry_id) for entry_id in left} == {ms_of(last)}  # and what came together with it
        assert (await people.user(user))["logFrom"] == str(7 - len(left))
        assert await resumed(store, user, last) == (False, 0)
        assert await resumed(store, user, "0-0") == (True, 0)
        await people.assert_sound()


async def test_who_got_nothing_yet_resumes_while_all_is_there_and_is_told_once_it_is_not(
    store: Store, people: People, user: UserRef
) -> None:
    assert (await store.open_stream(user, None)).fields["lastId"] == "0-0"
    await steps(store, user, 1)
    assert await resumed(store, user, "0-0") == (False, 2)
    await make_older(people, user, AGE_MS + 1)
    await store.enqueue(user, [])
    assert await resumed(store, user, "0-0") == (True, 0)
    await steps(store, user, 1)
    assert await resumed(store, user, "0-0") == (True, 0)


async def test_one_old_event_alone_is_still_replayed_to_who_got_nothing_yet(
    store: Store, people: People, user: UserRef
) -> None:
    await store.enqueue(user, [])
    await make_older(people, user, 10 * AGE_MS)
    assert await resumed(store, user, "0-0") == (False, 1)


async def test_a_log_is_no_longer_than_its_bound_and_some(
    people: People, redis_url: str, user: UserRef
) -> None:
    async with connected_store(redis_url, Rules(log_length=16)) as store:
        first = ""
        for _ in range(12):
            await steps(store, user, 10)
            first = first or (await log_ids(people, user))[0]
        assert 16 <= len(await log_ids(people, user)) < 16 + 128  # Redis drops whole nodes of its list
        assert await resumed(store, user, first) == (True, 0)
        assert await resumed(store, user, "0-0") == (True, 0)
        last_but_one = (await log_ids(people, user))[-2]
        assert await resumed(store, user, last_but_one) == (False, 1)


@pytest.mark.parametrize("state", [State.CONNECTING, State.IN_CALL])
async def test_an_aged_log_is_sound_and_repair_leaves_it_alone(
    state: State, store: Store, people: People
) -> None:
    pair = await people.pair_in(state)
    for user in (pair.a, pair.b):
        await make_older(people, user, AGE_MS + 1)
    await store.end(pair.a, pair.session_id)
    for user in (pair.a, pair.b):
        before = await log_ids(people, user)
        for _ in range(2):
            assert (await Control(store).repair_user(user)).outcome is Outcome.NOTHING
        assert await log_ids(people, user) == before
    await people.assert_sound()


async def test_a_log_that_holds_no_step_any_more_is_sound(store: Store, people: People) -> None:
    pair = await people.pair_in(State.IN_CALL)
    generation = (await store.open_stream(pair.a, None)).fields["generation"]
    await make_older(people, pair.b, AGE_MS + 1)
    await store.stream_lost(pair.a, generation)
    await make_older(people, pair.b, AGE_MS + 1)
    await store.open_stream(pair.a, None)
    types = [event["type"] for event in await people.events(pair.b)]
    assert types == ["partner-reconnecting", "partner-back"]
    assert (await people.user(pair.b))["logFrom"] == "4"
    await people.assert_sound()
    assert (await Control(store).repair_user(pair.b)).outcome is Outcome.NOTHING
    assert await resumed(store, pair.b, "0-0") == (True, 0)
    await store.end(pair.a, pair.session_id)
    await people.assert_sound()


async def test_a_long_silence_is_no_reason_to_miss_what_ends_it(store: Store, people: People) -> None:
    """A call has gone on for longer than the bound when the stream is cut, and just then it ends."""
    pair = await people.pair_in(State.IN_CALL)
    await make_older(people, pair.b, 10 * AGE_MS)
    last = (await log_ids(people, pair.b))[-1]
    await store.skip(pair.a, pair.session_id)
    resync, count = await resumed(store, pair.b, last)
    assert not resync
    assert count >= 2  # force-disconnect and room-closing


async def test_the_log_of_a_record_that_is_gone_does_not_stop_a_partners_step(
    store: Store, people: People
) -> None:
    pair = await people.pair_in(State.IN_CALL)
    generation = (await store.open_stream(pair.a, None)).fields["generation"]
    await make_older(people, pair.b, AGE_MS + 1)
    await people.redis.delete(pool_key(people.pool, "user", pair.b.user_id))
    assert (await store.stream_lost(pair.a, generation)).outcome is Outcome.DONE
    assert await people.redis.zscore(pool_key(people.pool, "away"), pair.a.user_id)
