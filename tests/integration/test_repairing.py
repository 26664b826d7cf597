"""Repair as a whole: however much is wrong, and though some cannot be mended. LiveKit is not there."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from dormparty_sse.dev.network import LOOPBACK, free_port
from dormparty_sse.domain.clock import Clock
from dormparty_sse.domain.errors import StateFault
from dormparty_sse.domain.models import Commit, UserRef
from dormparty_sse.livekit.rooms import Rooms
from dormparty_sse.livekit.tokens import TokenMint
from dormparty_sse.services import audit, repair
from dormparty_sse.services.audit import Auditor
from dormparty_sse.services.commits import Commits
from dormparty_sse.services.repair import Repairer
from dormparty_sse.services.tasks import Tasks
from dormparty_sse.store.control import Control
from dormparty_sse.store.keys import pool_key
from dormparty_sse.store.store import Store
from tests.integration.store.people import People
from tests.support.stack import KEY
from tests.support.stores import connected_store

IN_A_REPORT = 4


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[Store]:
    async with connected_store(redis_url) as store:
        yield store


@pytest.fixture
async def people(store: Store, redis_url: str) -> AsyncIterator[People]:
    async with Redis.from_url(redis_url, decode_responses=True) as redis:
        yield People(store, redis)


@pytest.fixture
async def repairer(store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Repairer]:
    """Reports hold little, so that it takes several."""
    monkeypatch.setattr(audit, "MOST_FINDINGS", IN_A_REPORT)
    mint = TokenMint(api_key=KEY.key, api_secret=KEY.secret, clock=Clock(), ttl_s=60)
    rooms = Rooms(f"http://{LOOPBACK}:{free_port()}", mint, timeout_s=1)
    yield Repairer(store, rooms, Auditor(store, rooms), Commits(Tasks()))
    await rooms.aclose()


async def broken(people: People, number: int) -> list[UserRef]:
    """So many users, each with a partner at home."""
    users = await people.idle(number)
    for user in users:
        await people.redis.hset(pool_key(people.pool, "user", user.user_id), "matchedWith", "somebody")
    return users


async def test_more_than_one_report_holds_is_mended_all_the_same(repairer: Repairer, people: People) -> None:
    users = await broken(people, 3 * IN_A_REPORT)
    answer = await repairer.repair(people.pool)
    assert answer["complete"] is True
    assert {one["id"] for one in answer["findings"]} == {user.user_id for user in users}
    await people.assert_sound()


async def test_who_has_too_much_to_mend_is_told_that_there_is_more(
    repairer: Repairer, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repair, "_ROUNDS", 2)
    await broken(people, 3 * IN_A_REPORT)
    answer = await repairer.repair(people.pool)
    assert (answer["complete"], len(answer["findings"])) == (False, 2 * IN_A_REPORT)
    assert (await repairer.repair(people.pool))["complete"] is True
    await people.assert_sound()


async def test_what_cannot_be_mended_does_not_stop_the_rest(
    repairer: Repairer, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = await broken(people, 3)
    hopeless, repair_user = users[1], Control.repair_user

    async def repair_most(self: Control, user: UserRef) -> Commit:
        if user == hopeless:
            raise StateFault
        return await repair_user(self, user)

    monkeypatch.setattr(Control, "repair_user", repair_most)
    answer = await repairer.repair(people.pool)
    repairs = {one["id"]: one["repairs"] for one in answer["findings"]}
    assert repairs.pop(hopeless.user_id) == [f"could not be mended: {StateFault().detail}"]
    assert all(repairs.values())
    monkeypatch.undo()
    assert [one["id"] for one in (await repairer.repair(people.pool))["findings"]] == [hopeless.user_id]


async def test_what_comes_again_and_again_does_not_go_on_for_ever(
    repairer: Repairer, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    await broken(people, 2 * IN_A_REPORT)
    tried: list[str] = []

    async def repair_nobody(_: Control, user: UserRef) -> Commit:
        tried.append(user.user_id)
        raise StateFault

    monkeypatch.setattr(Control, "repair_user", repair_nobody)
    assert (await repairer.repair(people.pool))["complete"] is False
    assert len(tried) <= repair._ROUNDS * IN_A_REPORT
