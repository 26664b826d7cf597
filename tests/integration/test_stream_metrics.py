"""What is counted of streams: how each began and ended, what was replayed, and how soon events were sent."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dormparty_sse.domain.models import UserRef
from dormparty_sse.domain.names import new_id
from dormparty_sse.services.stream import Cause
from dormparty_sse.services.upkeep import Upkeep
from tests.support.crowd import crowd
from tests.support.hubs import BUFFER, Ear, Studio, studio, told
from tests.support.metrics import Scrape, scrape
from tests.support.poller import Poller
from tests.support.replay import busy, catch_up
from tests.support.stack import Stack
from tests.support.waiting import eventually

STREAMS = "dormparty_streams"
OPENED = "dormparty_streams_opened_total"
CLOSED = "dormparty_streams_closed_total"
REPLAYED = "dormparty_stream_events_replayed_total"
DELIVERED = "dormparty_stream_delivery_seconds"
MOST_WAITING = "dormparty_stream_buffer_high_water"


@pytest.fixture
async def ours(redis_url: str) -> AsyncIterator[Studio]:
    async with studio(redis_url) as made:
        yield made


@pytest.fixture
def user() -> UserRef:
    return UserRef(user_id=new_id(), pool=f"pool-{secrets.token_hex(6)}")


async def ends(ours: Studio, cause: Cause) -> None:
    """Waits until one stream has ended, by this cause, and none is left."""

    async def counted() -> bool:
        return ours.counts().value(CLOSED) == 1

    await eventually(counted, what="an end")
    counts = ours.counts()
    assert counts.value(CLOSED, cause=cause) == 1
    assert counts.value(STREAMS) == 0
    assert ours.hub.streams == []


def test_all_causes_and_starts_count_from_zero(ours: Studio) -> None:
    text = ours.metrics.exposition(None).decode()
    for cause in Cause:
        assert f'{CLOSED}{{cause="{cause}"}} 0.0' in text
    for start in ("fresh", "resumed", "resync"):
        assert f'{OPENED}{{start="{start}"}} 0.0' in text


async def test_a_client_that_hangs_up_is_counted(ours: Studio, user: UserRef) -> None:
    ear = Ear()
    await ours.open(user, ear)
    assert ours.counts().value(STREAMS) == 1
    ear.hang_up()
    await ends(ours, Cause.CLIENT)


async def test_a_client_that_goes_while_its_stream_begins_is_counted_both_ways(
    ours: Studio, user: UserRef
) -> None:
    class Gone(Ear):
        async def start(self, gone: object) -> None:  # noqa: ARG002
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await ours.open(user, Gone())
    await ends(ours, Cause.CLIENT)
    assert ours.counts().value(OPENED) == 1


async def test_a_superseded_stream_is_counted(ours: Studio, redis_url: str, user: UserRef) -> None:
    await ours.open(user, Ear())
    async with studio(redis_url) as other:
        await other.open(user, Ear())
        await ends(ours, Cause.SUPERSEDED)


async def test_a_drained_stream_is_counted(ours: Studio, user: UserRef) -> None:
    await ours.open(user, Ear())
    await ours.hub.drain(0.05)
    await ends(ours, Cause.DRAINING)


async def test_who_goes_by_itself_while_the_process_stops_has_been_sent_away(
    ours: Studio, user: UserRef
) -> None:
    ear = Ear()
    await ours.open(user, ear)
    draining = asyncio.create_task(ours.hub.drain(60))
    await asyncio.sleep(0)
    assert ear.types() == ["connected", "draining"]
    ear.hang_up()
    await draining
    await ends(ours, Cause.DRAINING)


async def test_a_renewed_stream_is_counted(ours: Studio, user: UserRef) -> None:
    ear = Ear()
    await ours.open(user, ear)
    await ours.step(user)
    await told(ear, 1, 2)
    await ours.store.run("user_cleanup", user.pool, user.user_id, "admin")
    await ends(ours, Cause.RENEWED)


async def test_a_slow_reader_is_counted_and_how_much_waited_for_it(ours: Studio, user: UserRef) -> None:
    ear = Ear()
    await ours.open(user, ear)
    ear.is_stuck = True
    for _ in range(BUFFER):
        await ours.step(user)
    await ends(ours, Cause.SLOW)
    assert ours.counts().value(MOST_WAITING) == BUFFER


async def test_a_stuck_reader_is_counted(ours: Studio, user: UserRef) -> None:
    ear = Ear()
    stream = await ours.open(user, ear)
    upkeep = Upkeep(ours.connection, ours.hub, ours.store, stream._views, send_timeout_s=10)
    ear.stuck_s = 9.9
    await upkeep.pings(ours.hub.streams)
    assert ours.counts().value(STREAMS) == 1
    ear.stuck_s = 10.1
    await upkeep.pings(ours.hub.streams)
    await ends(ours, Cause.STUCK)


async def test_an_answered_poll_is_counted(ours: Studio, user: UserRef) -> None:
    stream = await ours.open(user, Ear())
    stream.release(Cause.ANSWERED)
    await ends(ours, Cause.ANSWERED)


async def test_each_start_is_counted_with_what_it_replayed(ours: Studio, user: UserRef) -> None:
    await ours.step(user)
    ears = [Ear() for _ in range(3)]
    await ours.open(user, ears[0])
    assert ours.counts().value(REPLAYED) == 0
    await ours.step(user)
    await told(ears[0], 3, 4)
    await ours.open(user, ears[1], "0-0")
    await ours.open(user, ears[2], "1-1")
    counts = ours.counts()
    for start in ("fresh", "resumed", "resync"):
        assert counts.value(OPENED, start=start) == 1
    assert counts.value(REPLAYED) == 4


async def test_how_soon_each_event_was_sent_is_measured(ours: Studio, user: UserRef) -> None:
    ear = Ear()
    await ours.open(user, ear)
    for _ in range(5):
        await ours.step(user)
    await told(ear, *range(1, 11))
    counts = ours.counts()
    assert counts.value(f"{DELIVERED}_count") == 10
    assert counts.value(f"{DELIVERED}_bucket", le="5.0") == 10
    assert 0 < counts.value(f"{DELIVERED}_sum") < 10


async def test_two_processes_count_as_one(stack: Stack, directory: Path) -> None:
    async with (
        stack.another_service(directory, WEB_CONCURRENCY="2") as service,
        crowd(stack, 8, url=service.url) as people,
    ):
        for someone in people:
            await someone.listen()
            await busy(someone, 1)
            await catch_up(stack, someone)
        for someone in people:
            await someone.listen(someone.events[0]["id"])
        polls = Poller(people[0])
        await polls.poll()

        async def as_counted() -> Scrape | None:
            seen = await scrape(stack.http, service.url)
            closed = {cause: seen.value(CLOSED, cause=cause) for cause in Cause}
            return seen if seen.value(CLOSED) == 10 and closed[Cause.ANSWERED] == 1 else None

        seen = await eventually(as_counted, what="all ends")
        assert seen
        assert seen.value(STREAMS) == len(people) - 1
        assert seen.value(OPENED, start="fresh") == len(people) + 1
        assert seen.value(OPENED, start="resumed") == len(people)
        assert seen.value(REPLAYED) == 2 * len(people)
        assert seen.value(f"{DELIVERED}_count") >= 2 * len(people)
