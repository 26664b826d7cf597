"""What a user's stream must have brought in the end: everything in its log, once and in order."""

from collections.abc import Iterable

from tests.support.person import Event, Person
from tests.support.stack import Stack
from tests.support.waiting import eventually

OF_THE_MOMENT = {"connected", "queue-update", "heartbeat", "superseded", "draining"}


def replayable(events: Iterable[Event]) -> list[Event]:
    """Those of the events that a log holds."""
    return [event for event in events if event["type"] not in OF_THE_MOMENT]


async def assert_got_everything_once(stack: Stack, someone: Person, events: list[Event]) -> None:
    """These events are all there are in the log, each once, and their `seq` has no gap."""
    ids = await stack.event_ids(someone.pool, someone.user_id)
    assert [event["id"] for event in replayable(events)] == ids
    steps = [event["seq"] for event in replayable(events) if "seq" in event]
    assert steps == list(range(1, len(steps) + 1))


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
