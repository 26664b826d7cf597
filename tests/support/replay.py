"""What a user's stream must have brought in the end: everything in its log, once and in order."""

from collections.abc import Iterable
from typing import Protocol

from tests.support.person import Event, Person
from tests.support.stack import Stack
from tests.support.waiting import eventually

OF_THE_MOMENT = {"connected", "queue-update", "heartbeat", "superseded", "draining"}


class Told(Protocol):
    """Who was told something."""

    @property
    def events(self) -> list[Event]:
        """All of it, in order."""


def replayable(events: Iterable[Event]) -> list[Event]:
    """Those of the events that a log holds."""
    return [event for event in events if event["type"] not in OF_THE_MOMENT]


def assert_gapless(events: Iterable[Event], after: int = 0) -> None:
    """The replayable ones come in order and each once, and no step is missing after the one named."""
    found = replayable(events)
    steps = [event["seq"] for event in found if "seq" in event]
    assert steps == list(range(after + 1, after + 1 + len(steps))), found
    ids = [tuple(map(int, event["id"].split("-"))) for event in found]
    assert ids == sorted(set(ids)), found


def assert_nothing_lost(someone: Told) -> None:
    """Over any number of streams: no step is missing, none comes twice.

    A snapshot with an id stands for all before it: the first one, and each that says `resync`.
    """
    stories: list[list[Event]] = []
    for event in someone.events:
        if event["type"] == "connected" and "id" in event:
            assert event["resync"] == bool(stories), event
            stories.append([])
        stories[-1].append(event)
    for snapshot, *story in stories:
        assert_gapless(story, after=snapshot["seq"])


async def told_of_every_step(someone: Person) -> None:
    """Waits until the stream has caught up with the state, and looks for gaps."""

    async def caught_up() -> bool:
        told = [event["seq"] for event in someone.events if "seq" in event]
        return bool(max(told) == (await someone.get("status"))["seq"])

    await eventually(caught_up, what="the stream tells of the last step")
    connected = someone.events[0]
    assert_gapless(someone.events, after=connected["seq"])


async def assert_got_everything_once(stack: Stack, someone: Person, events: list[Event]) -> None:
    """These events are all there are in the log, each once, and their `seq` has no gap."""
    ids = await stack.event_ids(someone.pool, someone.user_id)
    assert [event["id"] for event in replayable(events)] == ids
    assert_gapless(events)


async def catch_up(stack: Stack, someone: Person) -> None:
    """Waits until the open stream has brought the last event there is."""
    last = (await stack.event_ids(someone.pool, someone.user_id))[-1]

    async def is_here() -> bool:
        return someone.last_event_id == last

    await eventually(is_here, what=f"event {last}")


async def busy(someone: Person, rounds: int) -> None:
    """Two transitions for each round."""
    for _ in range(rounds):
        await someone.post("enqueue")
        await someone.post("end")
