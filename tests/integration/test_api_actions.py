"""The actions and questions: their answers, under every path that the contract names."""

from typing import Any

import pytest

from tests.conftest import NewPerson
from tests.support.person import Person
from tests.support.problems import read_problem
from tests.support.stack import Stack

PREFIXES = ["/api/matching", "/api/simple-matching"]
MATCH_FIELDS = {
    "sessionId",
    "roomName",
    "user1",
    "user2",
    "partnerId",
    "createdAt",
    "livekitUrl",
    "token",
    "commonInterests",
}


async def act(someone: Person, method: str, path: str, **request: Any) -> dict[str, Any]:
    """The answer to any request, which must succeed."""
    status, answer = await someone.request(method, path, **request)
    assert status == 200, answer
    return answer


async def matched(a: Person, b: Person) -> dict[str, Any]:
    """Brings two people together, without going into the room; A's match."""
    for someone in (a, b):
        await someone.listen()
        await someone.post("enqueue")
    await b.event("new-match")
    return await a.event("new-match")


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_the_queue_by_either_prefix(prefix: str, new_person: NewPerson) -> None:
    someone = await new_person()
    joined = await act(someone, "POST", f"{prefix}/enqueue", json={"interests": ["Music"]})
    assert joined == {
        "state": "WAITING",
        "seq": 1,
        "position": 1,
        "queueLength": 1,
        "estimatedWaitSeconds": None,
        "alreadyQueued": False,
    }
    again = await act(someone, "POST", f"{prefix}/enqueue")
    assert again == joined | {"alreadyQueued": True}

    skipped = await act(someone, "POST", f"{prefix}/skip")
    assert skipped == {"state": "WAITING", "seq": 1, "outcome": "no-active-match"}
    alive = await act(someone, "POST", f"{prefix}/heartbeat")
    assert alive == {"state": "WAITING", "seq": 1, "staleAfterSeconds": 60}
    ended = await act(someone, "POST", f"{prefix}/end")
    assert ended == {"state": "IDLE", "seq": 2, "outcome": "cancelled"}
    ended = await act(someone, "POST", f"{prefix}/end")
    assert ended == {"state": "IDLE", "seq": 2, "outcome": "idle"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", f"{prefix}/check-match") for prefix in PREFIXES),
        *(("POST", f"{prefix}/check-match") for prefix in PREFIXES),
        ("GET", "/api/check-match"),
    ],
)
async def test_a_match_is_found_by_polling(method: str, path: str, new_person: NewPerson) -> None:
    a, b = await new_person(), await new_person()
    nothing = await act(a, method, path)
    assert nothing == {"state": "IDLE", "seq": 0, "matched": False, "match": None}

    match = await matched(a, b)
    found = await act(a, method, path, params={"userId": a.user_id})
    assert (found["state"], found["matched"]) == ("CONNECTING", True)
    assert found["match"].keys() == MATCH_FIELDS
    assert found["match"]["sessionId"] == match["sessionId"]
    assert found["match"]["partnerId"] == b.user_id
    assert {found["match"]["user1"], found["match"]["user2"]} == {a.user_id, b.user_id}
    await a.post("end")
    await b.post("end")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("prefix", PREFIXES)
async def test_the_end_of_a_match_is_found_by_polling(
    prefix: str, method: str, new_person: NewPerson
) -> None:
    a, b = await new_person(), await new_person()
    path = f"{prefix}/check-disconnect"
    assert (await act(b, method, path))["disconnected"] is False

    match = await matched(a, b)
    assert (await act(b, method, path))["disconnected"] is False
    await a.post("end")
    told = await act(b, method, path)
    assert told["disconnected"] is True
    notification = told["notification"]
    assert notification.pop("timestamp") > match["createdAt"]
    assert notification == {
        "sessionId": match["sessionId"],
        "reason": "end",
        "initiatedBy": a.user_id,
        "targetState": "WAITING",
    }
    await b.post("end")


async def test_the_stream_opens_by_both_paths(stack: Stack, new_person: NewPerson) -> None:
    someone = await new_person()
    for path in ("/api/matching/events", "/api/sse"):
        async with stack.http.get(stack.url + path, headers=someone.headers) as answer:
            assert (answer.status, answer.content_type) == (200, "text/event-stream")


async def test_status_tells_where_one_stands(new_person: NewPerson) -> None:
    someone = await new_person()
    at_home = await someone.get("status")
    assert at_home.keys() >= {
        "state",
        "seq",
        "position",
        "queueLength",
        "estimatedWaitSeconds",
        "waitingSince",
    }
    assert at_home.keys() >= {"match", "cooldownUntil", "holdReason", "holdUntil", "now"}
    assert (at_home["state"], at_home["seq"]) == ("IDLE", 0)
    assert (at_home["match"], at_home["position"], at_home["holdReason"]) == (None, None, None)

    await someone.post("enqueue")
    waiting = await someone.get("status")
    assert (waiting["state"], waiting["position"], waiting["queueLength"]) == ("WAITING", 1, 1)
    assert waiting["holdReason"] == "alone-in-queue"
    assert at_home["now"] <= waiting["waitingSince"] <= waiting["now"]
    await someone.post("end")


async def test_who_is_matched_cannot_enqueue(stack: Stack, pool: str, new_person: NewPerson) -> None:
    a, b = await new_person(), await new_person()
    match = await matched(a, b)

    async def refused(state: str) -> None:
        before = await stack.user(pool, a.user_id)
        for prefix in PREFIXES:
            url = f"{stack.url}{prefix}/enqueue"
            async with stack.http.post(url, json={"interests": ["x"]}, headers=a.headers) as answer:
                problem = await read_problem(answer, 409, "invalid_state")
                assert problem["state"] == state
        assert await stack.user(pool, a.user_id) == before

    await refused("CONNECTING")
    await a.join(match)
    await b.join((await b.get("check-match"))["match"])
    await a.becomes("IN_CALL")
    await refused("IN_CALL")
    await a.post("end")
    await b.post("end")


async def test_an_ack_of_a_room_that_is_not_being_closed_changes_nothing(
    stack: Stack, pool: str, new_person: NewPerson
) -> None:
    a, b = await new_person(), await new_person()
    match = await matched(a, b)
    before = await stack.contents(pool)
    for room in ("nowhere", match["roomName"]):
        answer = await a.post("room-close-ack", roomName=room)
        assert answer == {"state": "CONNECTING", "seq": 2, "outcome": "nothing-to-acknowledge"}
    assert await stack.contents(pool) == before
    await a.post("end")
    await b.post("end")


async def test_another_pairs_match_is_not_ones_own_to_end(
    stack: Stack, pool: str, new_person: NewPerson
) -> None:
    a, b, stranger = await new_person(), await new_person(), await new_person()
    match = await matched(a, b)
    before = await stack.contents(pool)
    for action in ("skip", "end"):
        url = f"{stack.url}/api/matching/{action}"
        body = {"sessionId": match["sessionId"]}
        async with stack.http.post(url, json=body, headers=stranger.headers) as answer:
            await read_problem(answer, 403, "forbidden")
    assert await stack.contents(pool) == before
    await a.post("end")
    await b.post("end")


async def test_a_page_that_closes_says_so_by_beacon(new_person: NewPerson) -> None:
    someone = await new_person()
    await someone.post("enqueue")
    body = f'{{"userId": "{someone.user_id}"}}'
    headers = {"Content-Type": "text/plain;charset=UTF-8", "Cookie": f"dormparty_session={someone.token}"}
    url = someone.base_url + "/api/matching/leave"
    async with someone.http.post(url, data=body, headers=headers) as answer:
        assert (answer.status, (await answer.json())["outcome"]) == (200, "cancelled")
