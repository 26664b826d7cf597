"""One stream: what its reader gets, whatever comes when."""

import json
from typing import Any
from unittest.mock import create_autospec

import pytest

from dormparty_sse.domain.clock import Clock
from dormparty_sse.domain.events import EventType
from dormparty_sse.domain.models import Commit, Event, UserRef
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.livekit.tokens import TokenMint
from dormparty_sse.services.health import RoomsHealth
from dormparty_sse.services.stream import Reader, Stream
from dormparty_sse.services.views import Views
from tests.support.stack import KEY

BUFFER = 3
USER = UserRef(user_id="ann", pool="main")


class Listener:
    """A stream, and what is to be read from it."""

    def __init__(self) -> None:
        self.cuts = 0
        clock = Clock()
        mint = TokenMint(api_key=KEY.key, api_secret=KEY.secret, clock=clock, ttl_s=60)
        health = create_autospec(RoomsHealth, instance=True, away=False)
        self.views = Views(mint, "ws://livekit", health, clock)
        self.stream = Stream(
            USER,
            self.views,
            Reader(address="127.0.0.1", responds=lambda: True, cut_off=self.cut_off),
            buffer=BUFFER,
        )

    def cut_off(self) -> None:
        self.cuts += 1

    async def got(self) -> list[str]:
        """The ids, or types of what has none, of all that waits; the stream is closed for it."""
        self.stream.close(EventType.DRAINING)
        events = [event async for event in self.stream]
        return [event.event_id or event.type for event in events if event.type != "connected"]


def order(event_id: str) -> int:
    """A seq that grows with the id."""
    ms, number = event_id.split("-")
    return int(ms) * 1000 + int(number)


def commit(*ids: str, **fields: Any) -> Commit:
    """What the store says of a log with these entries to replay."""
    events = [[one, json.dumps({"type": "queued", "seq": order(one), "state": "WAITING"})] for one in ids]
    known = {"generation": 1, "resync": False, "lastId": "9-0", "state": "WAITING", "seq": 1}
    return Commit(
        outcome=Outcome.DONE,
        pool=USER.pool,
        now=1,
        transitions=(),
        due_at=None,
        rematch=False,
        fields={**known, "events": events, **fields},
    )


def live(event_id: str) -> Event:
    return Event(event_id=event_id, data={"type": "idle", "seq": order(event_id), "state": "IDLE"})


@pytest.fixture
async def reader() -> Listener:
    return Listener()


async def test_what_came_live_during_the_replay_follows_it_once(reader: Listener) -> None:
    for one in ("2-0", "3-0", "4-0"):
        reader.stream.live(live(one))
    reader.stream.begin(commit("2-0", "3-0"), "1-0")
    reader.stream.live(live("4-0"))
    reader.stream.live(live("5-0"))
    assert await reader.got() == ["2-0", "3-0", "4-0", "5-0", "draining"]


async def test_ids_are_ordered_as_numbers(reader: Listener) -> None:
    reader.stream.begin(commit("9-9"), "9-0")
    reader.stream.live(live("9-10"))
    reader.stream.live(live("10-0"))
    reader.stream.live(live("9-11"))  # late, and so known
    assert await reader.got() == ["9-9", "9-10", "10-0", "draining"]


async def test_who_is_new_starts_after_the_newest_event(reader: Listener) -> None:
    reader.stream.live(live("9-0"))
    reader.stream.begin(commit(), None)
    reader.stream.live(live("9-1"))
    assert await reader.got() == ["9-1", "draining"]


async def test_a_replay_may_be_longer_than_the_buffer(reader: Listener) -> None:
    ids = [f"{n}-0" for n in range(2, 40)]
    reader.stream.begin(commit(*ids), "1-0")
    reader.stream.live(live("40-0"))
    assert reader.cuts == 0
    assert await reader.got() == [*ids, "40-0", "draining"]


async def test_a_full_buffer_cuts_the_reader_off_once(reader: Listener) -> None:
    reader.stream.begin(commit(), "1-0")
    for n in range(2, 20):
        reader.stream.live(live(f"{n}-0"))
    assert reader.cuts == 1
    got = await reader.got()
    assert got == ["2-0", "3-0"]  # and `connected` before them; no farewell, since it is gone


async def test_a_replay_that_has_been_read_leaves_no_more_room_than_there_was(reader: Listener) -> None:
    ids = [f"{n}-0" for n in range(2, 12)]
    reader.stream.begin(commit(*ids), "1-0")
    events = aiter(reader.stream)
    for _ in range(11):  # `connected` and the replay
        await anext(events)
    for n in range(20, 20 + BUFFER):
        reader.stream.live(live(f"{n}-0"))
    assert reader.cuts == 0
    reader.stream.live(live("30-0"))
    assert reader.cuts == 1


async def test_what_is_of_the_moment_never_fills_the_buffer(reader: Listener) -> None:
    reader.stream.begin(commit(), "1-0")
    for _ in range(20):
        heartbeat = reader.views.momentary(EventType.HEARTBEAT)
        assert reader.stream.momentary(heartbeat) is False  # `connected` still waits
    assert reader.cuts == 0
    assert await reader.got() == ["draining"]


async def test_a_newer_generation_ends_the_stream_whenever_it_is_heard_of(reader: Listener) -> None:
    reader.stream.superseded_by(2)  # before this one has begun
    reader.stream.begin(commit(), "1-0")
    reader.stream.live(live("2-0"))
    assert await reader.got() == ["superseded"]


async def test_an_older_generation_does_not(reader: Listener) -> None:
    reader.stream.superseded_by(1)
    reader.stream.begin(commit(generation=2), "1-0")
    reader.stream.superseded_by(1)
    reader.stream.superseded_by(2)
    assert await reader.got() == ["draining"]


async def test_a_break_is_bridged_by_the_log(reader: Listener) -> None:
    reader.stream.begin(commit(), "1-0")
    reader.stream.live(live("2-0"))
    reading = reader.stream.put_aside()
    reader.stream.live(live("5-0"))
    assert reader.stream.catch_up(commit("3-0", "4-0", "5-0"), reading)
    reader.stream.live(live("6-0"))
    assert await reader.got() == ["2-0", "3-0", "4-0", "5-0", "6-0", "draining"]


async def test_a_second_break_during_the_first_is_bridged_too(reader: Listener) -> None:
    reader.stream.begin(commit(), "1-0")
    first = reader.stream.put_aside()
    reader.stream.live(live("4-0"))
    second = reader.stream.put_aside()
    reader.stream.live(live("6-0"))
    assert reader.stream.catch_up(commit("2-0"), first)  # read before the second break
    assert reader.stream.catch_up(commit("2-0", "3-0", "4-0", "5-0"), second)
    assert await reader.got() == ["2-0", "3-0", "4-0", "5-0", "6-0", "draining"]


async def test_a_break_that_the_log_does_not_bridge_is_told(reader: Listener) -> None:
    reader.stream.begin(commit(), "1-0")
    reading = reader.stream.put_aside()
    assert not reader.stream.catch_up(commit(resync=True), reading)


async def test_a_break_may_hide_a_newer_stream(reader: Listener) -> None:
    reader.stream.begin(commit(), "1-0")
    reading = reader.stream.put_aside()
    assert reader.stream.catch_up(commit(generation=2), reading)
    assert await reader.got() == ["superseded"]


async def test_a_step_that_was_told_before_means_that_redis_has_lost_some_and_the_client_comes_back(
    reader: Listener,
) -> None:
    reader.stream.begin(commit(seq=order("9-0")), None)
    reader.stream.live(Event(event_id="10-0", data={"type": "queued", "seq": 1, "state": "WAITING"}))
    reader.stream.live(live("11-0"))
    assert await reader.got() == ["draining"]
    assert reader.stream.last_id == "9-0"
