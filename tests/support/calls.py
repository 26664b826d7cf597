"""The steps that most calls share: two people are matched, meet, and leave their room again."""

from typing import Any

from tests.support.person import Person
from tests.support.waiting import eventually

Match = dict[str, Any]


async def pair(a: Person, b: Person) -> Match:
    """Both listen and press Start, A first; returns A's match. Both are CONNECTING, nobody is in the room."""
    for someone in (a, b):
        if not someone.listening:
            await someone.listen()
        await someone.post("enqueue")
    return await invited(a, b)


async def invited(a: Person, b: Person) -> Match:
    """Waits for the match of these two; returns A's."""
    match = await a.event("new-match")
    await b.event("new-match", sessionId=match["sessionId"])
    return match


async def join_both(a: Person, b: Person) -> Match:
    """Both join the room of the match they have; returns A's. Both are IN_CALL."""
    match = await a.match()
    await a.join(match)
    await b.join(await b.match())
    for someone in (a, b):
        await someone.event("call-started", sessionId=match["sessionId"])
    return match


async def meet(a: Person, b: Person) -> Match:
    """Both listen, press Start and join; returns A's match once both are IN_CALL."""
    await pair(a, b)
    return await join_both(a, b)


async def part(*people: Person) -> None:
    """Each leaves the room it is asked to leave, and says so."""
    for someone in people:
        closing = await someone.event("room-closing")
        await someone.leave_room()
        await someone.post("room-close-ack", roomName=closing["roomName"])


async def all_become(state: str, *people: Person) -> None:
    """Waits until everybody's state is `state`."""
    for someone in people:
        await someone.becomes(state)


def steps(someone: Person) -> list[tuple[str, Any]]:
    """Everything replayable that came on the person's streams: (type, state where it changed)."""
    return [(event["type"], event.get("state")) for event in _replayable(someone)]


def assert_gapless(*people: Person) -> None:
    """What came on each one's streams is every event once, in order, with no step missing."""
    for someone in people:
        seqs = [event["seq"] for event in _replayable(someone) if "seq" in event]
        first = someone.events[0]["seq"]  # of `connected`
        assert seqs == list(range(first + 1, first + 1 + len(seqs))), someone.events
        ids = [tuple(map(int, event["id"].split("-"))) for event in _replayable(someone)]
        assert ids == sorted(set(ids)), someone.events


async def told_of_every_step(someone: Person) -> None:
    """Waits until the stream has caught up with the state, and looks for gaps."""

    async def caught_up() -> bool:
        told = [event["seq"] for event in someone.events if "seq" in event]
        return bool(max(told) == (await someone.get("status"))["seq"])

    await eventually(caught_up, what="the stream tells of the last step")
    assert_gapless(someone)


def _replayable(someone: Person) -> list[dict[str, Any]]:
    return [event for event in someone.events if "id" in event and event["type"] != "connected"]
