"""GET and DELETE /api/admin/rooms: who is in which room, and the end of one."""

from typing import Any

from tests.conftest import NewPerson
from tests.support.calls import meet, pair, part
from tests.support.livekit import room_is_gone
from tests.support.problems import read_problem
from tests.support.stack import SECRET, Stack
from tests.support.waiting import eventually

ADMIN = {"Authorization": f"Bearer {SECRET}"}


async def rooms_of(stack: Stack, pool: str, **query: Any) -> dict[str, Any]:
    url = f"{stack.url}/api/admin/rooms"
    async with stack.http.get(url, params={"pool": pool, **query}, headers=ADMIN) as answer:
        assert answer.status == 200, await answer.text()
        found: dict[str, Any] = await answer.json()
        return found


async def test_a_room_is_listed_with_who_is_in_it(stack: Stack, pool: str, new_person: NewPerson) -> None:
    a, b = await new_person(), await new_person()
    match = await pair(a, b)
    [room] = (await rooms_of(stack, pool))["rooms"]
    assert (room["roomName"], room["sessionId"]) == (match["roomName"], match["sessionId"])
    assert (room["phase"], room["active"], room["lastUpdatedAt"]) == ("open", False, None)
    assert {person["sid"] for person in room["people"]} == {None}

    joined = await a.join(match)

    async def counted() -> dict[str, Any] | None:
        [room] = (await rooms_of(stack, pool))["rooms"]
        return room if room["active"] else None

    room = await eventually(counted, what="a is counted in") or {}
    sids = {person["userId"]: person["sid"] for person in room["people"]}
    assert sids == {a.user_id: joined.local_participant.sid, b.user_id: None}
    assert room["lastUpdatedAt"] >= room["since"]
    await a.post("end")
    await part(a)
    await room_is_gone(stack, match["roomName"])

    async def none_left() -> bool:
        return not (await rooms_of(stack, pool))["rooms"]

    await eventually(none_left, what="no room is listed")


async def test_rooms_are_listed_page_by_page(stack: Stack, pool: str, new_person: NewPerson) -> None:
    people = [await new_person() for _ in range(6)]
    for first, second in zip(people[::2], people[1::2], strict=True):
        await pair(first, second)
    first_page = await rooms_of(stack, pool, limit=2)
    rest = await rooms_of(stack, pool, limit=2, cursor=first_page["cursor"])
    found = {person["userId"] for room in first_page["rooms"] + rest["rooms"] for person in room["people"]}
    assert found == {someone.user_id for someone in people}
    assert rest["cursor"] is None
    for someone in people:
        await someone.post("end")


async def test_a_room_that_is_deleted_ends_its_call(stack: Stack, new_person: NewPerson) -> None:
    a, b = await new_person(), await new_person()
    match = await meet(a, b)
    url = f"{stack.url}/api/admin/rooms/{match['roomName']}"
    async with stack.http.delete(url, json={"reason": "test"}, headers=ADMIN) as answer:
        assert answer.status == 200, await answer.text()
        assert {step["to"] for step in (await answer.json())["transitions"]} == {"DISCONNECTING"}
    for someone in (a, b):
        forced = await someone.event("force-disconnect")
        assert (forced["reason"], forced["targetState"]) == ("admin", "WAITING")
    await part(a, b)
    await room_is_gone(stack, match["roomName"])
    async with stack.http.delete(url, headers=ADMIN) as again:
        assert (again.status, (await again.json())["transitions"]) == (200, [])
    for someone in (a, b):
        await someone.post("end")


async def test_rooms_of_others_cannot_be_deleted(stack: Stack) -> None:
    async with stack.http.delete(f"{stack.url}/api/admin/rooms/theirs", headers=ADMIN) as answer:
        await read_problem(answer, 404, "not_found")


async def test_it_is_said_since_when_somebody_is_alone(
    stack: Stack, pool: str, new_person: NewPerson
) -> None:
    a, b = await new_person(), await new_person()
    await meet(a, b)
    await b.hang_up()  # it has 3 s to come back

    async def alone() -> dict[str, Any] | None:
        [room] = (await rooms_of(stack, pool))["rooms"]
        found = {person["userId"]: person["aloneSince"] for person in room["people"]}
        return found if found[a.user_id] else None

    found = await eventually(alone, what="a is alone") or {}
    assert found[a.user_id] <= await stack.now()
    assert found[b.user_id] is None
    await a.post("end")
    await part(a)
