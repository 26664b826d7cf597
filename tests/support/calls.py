"""The steps that most calls share: two people are matched, meet, and leave their room again."""

from typing import Any

from tests.support.person import Person
from tests.support.replay import replayable, told_of_every_step

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


async def skip_and_go_home(a: Person, b: Person) -> None:
    """A skips; both leave the room, are told of every step, and then leave the line."""
    await a.post("skip")
    await part(a, b)
    for someone in (a, b):
        await someone.event("requeued")
        await told_of_every_step(someone)
        await someone.post("end")


async def all_become(state: str, *people: Person) -> None:
    """Waits until everybody's state is `state`."""
    for someone in people:
        await someone.becomes(state)


def steps(someone: Person) -> list[tuple[str, Any]]:
    """Everything replayable that came on the person's streams: (type, state where it changed)."""
    return [(event["type"], event.get("state")) for event in replayable(someone.events)]
