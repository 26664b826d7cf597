"""Clients that never open a stream get the whole service by asking, under either prefix."""

from itertools import cycle
from typing import Any

import pytest

from dormparty_sse.store.keys import pool_key, pool_tag
from tests.conftest import NewPerson
from tests.support.livekit import room_is_gone
from tests.support.person import Person
from tests.support.stack import SECRET, Stack
from tests.support.waiting import eventually


class Polling:
    """A person who knows one prefix and no stream, and asks by GET and by POST in turn."""

    def __init__(self, person: Person, prefix: str) -> None:
        self.person = person
        self._prefix = prefix
        self._methods = cycle(("GET", "POST"))

    async def does(self, action: str, **body: Any) -> dict[str, Any]:
        status, answer = await self.person.request("POST", f"{self._prefix}/{action}", json=body)
        assert status == 200, answer
        return answer

    async def asks(self, question: str, **about: str) -> dict[str, Any]:
        method = next(self._methods)
        given = {"params" if method == "GET" else "json": about}
        status, answer = await self.person.request(method, f"{self._prefix}/{question}", **given)
        assert status == 200, answer
        return answer

    async def is_matched(self) -> dict[str, Any]:
        async def look() -> Any:
            answer = await self.asks("check-match")
            assert answer["matched"] == (answer["match"] is not None)
            return answer["match"]

        match: dict[str, Any] = await eventually(look, what="a match")
        return match

    async def is_disconnected(self, **about: str) -> dict[str, Any]:
        async def look() -> Any:
            answer = await self.asks("check-disconnect", **about)
            assert answer["disconnected"] == (answer["notification"] is not None)
            return answer["notification"]

        notification: dict[str, Any] = await eventually(look, what="a notification")
        return notification


@pytest.fixture(params=["/api/matching", "/api/simple-matching"])
def prefix(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def a(new_person: NewPerson, prefix: str) -> Polling:
    return Polling(await new_person(), prefix)


@pytest.fixture
async def b(new_person: NewPerson, prefix: str) -> Polling:
    return Polling(await new_person(), prefix)


async def polled_call(a: Polling, b: Polling) -> dict[str, Any]:
    """Both press Start, find their match by asking, and join; returns A's match."""
    for someone in (a, b):
        assert (await someone.asks("check-match"))["matched"] is False
        await someone.does("enqueue")
    ours, theirs = await a.is_matched(), await b.is_matched()
    assert ours["sessionId"] == theirs["sessionId"]
    await a.person.join(ours)
    await b.person.join(theirs)
    for someone in (a, b):
        await someone.person.becomes("IN_CALL")
        assert (await someone.asks("check-disconnect"))["disconnected"] is False
    return ours


async def test_whole_call_by_asking_alone(stack: Stack, a: Polling, b: Polling) -> None:
    match = await polled_call(a, b)
    session = match["sessionId"]

    assert (await a.does("skip", sessionId=session))["outcome"] == "skipped"
    notification = await b.is_disconnected()
    timestamp = notification.pop("timestamp")
    ended_at = await stack.redis.hget(pool_key(a.person.pool, "match", session), "endedAt")
    assert timestamp == int(str(ended_at))
    assert notification == {
        "sessionId": session,
        "reason": "skip",
        "initiatedBy": a.person.user_id,
        "targetState": "WAITING",
    }
    assert (await a.asks("check-disconnect"))["disconnected"] is False  # who skipped knows
    await b.person.leave_room()
    await b.person.becomes("WAITING")
    assert await b.is_disconnected(sessionId=session) == notification | {"timestamp": timestamp}

    again = await b.is_matched()
    assert again["sessionId"] != session
    assert (await b.asks("check-disconnect"))["disconnected"] is False  # it is in a match again
    assert (await b.does("end", sessionId=again["sessionId"]))["outcome"] == "ended"
    ended = await a.is_disconnected(sessionId=again["sessionId"])
    assert (ended["reason"], ended["initiatedBy"]) == ("end", b.person.user_id)
    assert (await a.does("end"))["outcome"] == "cancelled"
    await room_is_gone(stack, match["roomName"])


async def test_match_that_redis_has_forgotten_is_over(stack: Stack, a: Polling, b: Polling) -> None:
    """As after a FLUSHALL, of this pool alone."""
    session = (await polled_call(a, b))["sessionId"]
    async for key in stack.redis.scan_iter(f"{pool_tag(a.person.pool)}*"):
        await stack.redis.delete(key)
    for someone in (a, b):
        notification = await someone.is_disconnected(sessionId=session)
        assert abs(notification.pop("timestamp") - await stack.now()) < 10_000
        assert notification == {
            "sessionId": session,
            "reason": "room-failed",
            "initiatedBy": None,
            "targetState": "IDLE",
        }
        assert (await someone.asks("check-disconnect"))["disconnected"] is False
        await someone.person.leave_room()
    repair, operator = f"{stack.url}/api/admin/repair", {"Authorization": f"Bearer {SECRET}"}
    async with stack.http.post(repair, json={"pool": a.person.pool}, headers=operator) as answer:
        assert answer.status == 200  # it deletes the room


async def test_match_of_other_people_is_not_told_of(a: Polling, b: Polling, new_person: NewPerson) -> None:
    session = (await polled_call(a, b))["sessionId"]
    stranger = Polling(await new_person(), "/api/matching")
    assert (await stranger.asks("check-disconnect", sessionId=session))["disconnected"] is False
    await a.does("end")
    for someone in (a, stranger):  # who ended it knows, and it was never the stranger's
        assert (await someone.asks("check-disconnect", sessionId=session))["disconnected"] is False
    await b.does("end")


async def test_notification_is_over_once_the_user_starts_anew(a: Polling, b: Polling) -> None:
    await polled_call(a, b)
    await a.does("end")
    await b.is_disconnected()
    await b.does("end")
    await b.person.becomes("IDLE")
    assert (await b.asks("check-disconnect"))["disconnected"] is True
    await b.does("enqueue")
    assert (await b.asks("check-disconnect"))["disconnected"] is False
    await b.does("end")


async def test_heartbeat_tells_how_long_one_may_be_silent(a: Polling) -> None:
    answer = await a.does("heartbeat")
    assert (answer["state"], answer["staleAfterSeconds"]) == ("IDLE", 60)


async def test_short_path_of_check_match_answers_the_same(new_person: NewPerson) -> None:
    a, b = await new_person(), await new_person()
    for someone in (a, b):
        await someone.post("enqueue")
        await someone.becomes("WAITING" if someone is a else "CONNECTING")
    status, answer = await a.request("GET", "/api/check-match")
    match = await a.match()
    assert status == 200
    for fresh in (answer["match"], match):
        fresh.pop("token")
    assert answer["match"] == match
