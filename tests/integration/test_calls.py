"""Two people and their call, by the real LiveKit and the `livekit` client."""

from typing import Any

from tests.conftest import NewPerson
from tests.support.person import Person


async def meet(a: Person, b: Person) -> dict[str, Any]:
    """Both listen, press Start and join; returns A's match once both are IN_CALL."""
    for someone in (a, b):
        if not someone.listening:
            await someone.listen()
        await someone.post("enqueue")
    match = await a.event("new-match")
    await a.join(match)
    await b.join(await b.event("new-match"))
    await a.event("call-started")
    await b.event("call-started")
    return match


async def test_skip_sends_both_back_to_the_queue_and_they_meet_again_after_the_cooldown(
    new_person: NewPerson,
) -> None:
    a, b = await new_person(), await new_person()
    first = await meet(a, b)

    answer = await a.post("skip", sessionId=first["sessionId"])
    assert answer["outcome"] == "skipped"
    assert (await a.event("skip-confirmed"))["targetState"] == "WAITING"
    assert (await b.event("force-disconnect"))["reason"] == "partner-skipped"
    for someone in (a, b):
        closing = await someone.event("room-closing")
        assert closing["roomName"] == first["roomName"]
        await someone.leave_room()
        await someone.post("room-close-ack", roomName=closing["roomName"])
        await someone.event("requeued")

    held = await a.get("status")
    assert held["holdReason"] == "cooldown"
    again = await a.event("new-match")
    late_by = again["timestamp"] - held["holdUntil"]
    assert 0 <= late_by < 1000
    assert again["sessionId"] != first["sessionId"]
    await a.post("end")
