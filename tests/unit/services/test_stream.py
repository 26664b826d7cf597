"""One stream: what its reader gets, whatever comes when."""

import json
from collections.abc import Callable
from typing import Any
from unittest.mock import create_autospec

import pytest

from dormparty_sse.domain.clock import Clock
from dormparty_sse.domain.events import EventType
from dormparty_sse.domain.models import Commit, Event, Fields, UserRef
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.livekit.tokens import TokenMint
from dormparty_sse.services.health import RoomsHealth
from dormparty_sse.services.stream import Cause, Stream
from dormparty_sse.services.views import Views
from tests.support.stack import KEY

BUFFER = 3
USER = UserRef(user_id="ann", pool="main")


class Told:
    """A reader that keeps what it is told, and takes it, or not, as the test wants."""

    address = "127.0.0.1"
    stuck_s = 0.0

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.is_stuck = False
        self.waiting = 0
        self.cuts = 0
        self.is_finished = False

    async def start(self, gone: Callable[[], None]) -> None: ...

    def ping(self) -> None: ...

    def responds(self) -> bool:
        return True

    def tell(self, *events: Event) -> None:
        self.events += events
        self.waiting += self.is_stuck

    def finish(self, *, come_back: bool = False) -> None:  # noqa: ARG002  # the stream ends all the same
        self.is_finished = True

    def cut_off(self) -> None:
        self.cuts += 1


class Listener:
    """A stream, and what its reader was told."""

    def __init__(self) -> None:
        self.told = Told()
        clock = Clock()
        mint = TokenMint(api_key=KEY.key, api_secret=KEY.secret, clock=clock, ttl_s=60)
        health = create_autospec(RoomsHealth, instance=True, away=False)
        self.views = Views(mint, "ws://livekit", health, clock)
        self.stream = Stream(USER, self.views, self.told, buffer=BUFFER)

    @property
    def reading(self) -> int:
        """The number of the reading of the log that is due."""
        assert self.stream.reading is not None
        return self.stream.reading

    def got(self) -> list[str]:
        """The ids, or types of what has none, of all that was told after `connected`."""
        return [event.event_id or event.type for event in self.told.events if event.type != "connected"]


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


def missed(*ids: str, **fields: Any) -> Fields:
    """What `Store.catch_up` says of these entries."""
    return commit(*ids, **fields).fields


def live(event_id: str) -> Event:
    return Event(event_id=event_id, data={"type": "idle", "seq": order(event_id), "state": "IDLE"})


@pytest.fixture
def reader() -> Listener:
    return Listener()


def test_what_came_live_during_the_replay_follows_it_once(reader: Listener) -> None:
    for one in ("2-0", "3-0", "4-0"):
        reader.stream.live(live(one))
    reader.stream.begin(commit("2-0", "3-0"), "1-0")
    reader.stream.live(live("4-0"))
    reader.stream.live(live("5-0"))
    assert reader.got() == ["2-0", "3-0", "4-0", "5-0"]


def test_ids_are_ordered_as_numbers(reader: Listener) -> None:
    reader.stream.begin(commit("9-9"), "9-0")
    reader.stream.live(live("9-10"))
    reader.stream.live(live("10-0"))
    reader.stream.live(live("9-11"))  # late, and so known
    assert reader.got() == ["9-9", "9-10", "10-0"]


def test_who_is_new_starts_after_the_newest_event(reader: Listener) -> None:
    reader.stream.live(live("9-0"))
    reader.stream.begin(commit(), None)
    reader.stream.live(live("9-1"))
    assert reader.got() == ["9-1"]


def test_a_replay_may_be_longer_than_the_buffer(reader: Listener) -> None:
    reader.told.is_stuck = True
    ids = [f"{n}-0" for n in range(2, 40)]
    reader.stream.begin(commit(*ids), "1-0")
    reader.stream.live(live("40-0"))
    assert reader.told.cuts == 0
    assert reader.got() == [*ids, "40-0"]


def test_a_full_buffer_cuts_the_reader_off_once(reader: Listener) -> None:
    reader.stream.begin(commit(), "1-0")
    reader.told.is_stuck = True
    for n in range(2, 20):
        reader.stream.live(live(f"{n}-0"))
    assert reader.told.cuts == 1
    assert reader.stream.cause is Cause.SLOW
    assert reader.got() == ["2-0", "3-0", "4-0"]  # and no farewell, since it is gone


def test_who_reads_again_has_the_whole_buffer_again(reader: Listener) -> None:
    reader.stream.begin(commit(), "1-0")
    for n in range(2, 20, BUFFER):
        reader.told.is_stuck = True
        for one in range(n, n + BUFFER):
            reader.stream.live(live(f"{one}-0"))
        reader.told.is_stuck, reader.told.waiting = False, 0
    assert reader.told.cuts == 0
    assert reader.got() == [f"{n}-0" for n in range(2, 20)]


def test_what_is_of_the_moment_is_not_for_whom_something_waits(reader: Listener) -> None:
    reader.told.is_stuck = True
    reader.stream.begin(commit(), "1-0")
    for _ in range(20):
        heartbeat = reader.views.momentary(EventType.HEARTBEAT)
        assert reader.stream.momentary(heartbeat) is False  # `connected` still waits
    assert reader.told.cuts == 0
    assert reader.got() == []


def test_a_newer_generation_ends_the_stream_whenever_it_is_heard_of(reader: Listener) -> None:
    reader.stream.superseded_by(2)  # before this one has begun
    reader.stream.begin(commit(), "1-0")
    reader.stream.live(live("2-0"))
    assert reader.got() == ["superseded"]


def test_an_older_generation_does_not(reader: Listener) -> None:
    reader.stream.superseded_by(1)
    reader.stream.begin(commit(generation=2), "1-0")
    reader.stream.superseded_by(1)
    reader.stream.superseded_by(2)
    assert reader.got() == []


def test_a_stream_that_was_just_being_opened_when_its_process_stops_is_told_so(reader: Listener) -> None:
    reader.stream.announce_drain(500)
    reader.stream.begin(commit("8-0"), "1-0")
    assert reader.got() == ["8-0", "draining"]
    assert reader.told.events[-1].data["reconnectInMs"] == 500
    assert not reader.told.is_finished


def test_a_stream_that_is_over_before_it_has_begun_tells_nothing(reader: Listener) -> None:
    reader.stream.announce_drain(500)
    reader.stream.release(Cause.DRAINING)
    reader.stream.begin(commit("8-0"), "1-0")
    assert reader.told.events == []
    assert reader.told.is_finished


def test_a_break_is_bridged_by_the_log(reader: Listener) -> None:
    reader.stream.begin(commit(), "1-0")
    reader.stream.live(live("2-0"))
    reader.stream.put_aside()
    reading = reader.reading
    reader.stream.live(live("5-0"))
    assert reader.stream.catch_up(missed("3-0", "4-0", "5-0"), reading)
    reader.stream.live(live("6-0"))
    assert reader.got() == ["2-0", "3-0", "4-0", "5-0", "6-0"]


def test_a_second_break_during_the_first_is_bridged_too(reader: Listener) -> None:
    reader.stream.begin(commit(), "1-0")
    reader.stream.put_aside()
    first = reader.reading
    reader.stream.live(live("4-0"))
    reader.stream.put_aside()
    second = reader.reading
    reader.stream.live(live("6-0"))
    assert reader.stream.catch_up(missed("2-0"), first)  # read before the second break
    assert reader.stream.catch_up(missed("2-0", "3-0", "4-0", "5-0"), second)
    assert reader.got() == ["2-0", "3-0", "4-0", "5-0", "6-0"]


def test_a_break_that_the_log_does_not_bridge_is_told(reader: Listener) -> None:
    reader.stream.begin(commit(), "1-0")
    reader.stream.put_aside()
    reading = reader.reading
    assert not reader.stream.catch_up(missed(resync=True), reading)


def test_a_break_may_hide_a_newer_stream(reader: Listener) -> None:
    reader.stream.begin(commit(), "1-0")
    reader.stream.put_aside()
    reading = reader.reading
    assert reader.stream.catch_up(missed(generation=2), reading)
    assert reader.got() == ["superseded"]


def test_a_step_that_was_told_before_means_that_redis_has_lost_some_and_the_client_comes_back(
    reader: Listener,
) -> None:
    reader.stream.begin(commit(seq=order("9-0")), None)
    reader.stream.live(Event(event_id="10-0", data={"type": "queued", "seq": 1, "state": "WAITING"}))
    reader.stream.live(live("11-0"))
    assert reader.got() == ["draining"]
    assert reader.stream.last_id == "9-0"
