"""What operators see and do under /api/admin."""

from typing import Any

import pytest

from dormparty_sse.store.cursors import write_cursor
from dormparty_sse.store.keys import pool_key
from tests.conftest import NewPerson
from tests.support.calls import meet, pair, part
from tests.support.described import assert_described
from tests.support.problems import read_problem
from tests.support.routes import admin_routes
from tests.support.stack import SECRET, Stack
from tests.support.waiting import eventually

BEARER = {"Authorization": f"Bearer {SECRET}"}
EVERY_ROUTE = pytest.mark.parametrize(("method", "path"), admin_routes())


async def get(stack: Stack, path: str, **query: Any) -> dict[str, Any]:
    async with stack.http.get(f"{stack.url}/api/admin/{path}", params=query, headers=BEARER) as answer:
        assert answer.status == 200, await answer.text()
        found: dict[str, Any] = await answer.json()
        assert_described("GET", f"/api/admin/{path}", answer.status, found)
        return found


async def post(stack: Stack, path: str, **body: Any) -> dict[str, Any]:
    async with stack.http.post(f"{stack.url}/api/admin/{path}", json=body, headers=BEARER) as answer:
        assert answer.status == 200, await answer.text()
        done: dict[str, Any] = await answer.json()
        assert_described("POST", f"/api/admin/{path}", answer.status, done)
        return done


async def refused(stack: Stack, path: str, status: int, code: str, **body: Any) -> dict[str, Any]:
    async with stack.http.post(f"{stack.url}/api/admin/{path}", json=body, headers=BEARER) as answer:
        return await read_problem(answer, status, code)


@EVERY_ROUTE
async def test_everything_needs_the_admin_token(
    stack: Stack, new_person: NewPerson, method: str, path: str
) -> None:
    someone = await new_person()
    url = stack.url + path.replace("{id}", someone.user_id).replace("{name}", "theirs")
    async with stack.http.request(method, url) as answer:
        await read_problem(answer, 401, "unauthenticated")
    async with stack.http.request(method, url, headers=someone.headers) as answer:
        await read_problem(answer, 403, "forbidden")
    async with stack.http.request(method, url, headers={"Authorization": "Bearer \u00fc"}) as answer:
        await read_problem(answer, 403, "forbidden")


async def test_the_overview_counts_everybody(stack: Stack, pool: str, new_person: NewPerson) -> None:
    a, b, c = [await new_person() for _ in range(3)]
    await meet(a, b)
    await c.post("enqueue")
    overview = await get(stack, "overview", pool=pool)
    assert overview["counts"] == {
        "IDLE": 0,
        "WAITING": 1,
        "CONNECTING": 0,
        "IN_CALL": 2,
        "DISCONNECTING": 0,
    }
    assert overview["oldestWaiting"]["userId"] == c.user_id
    assert (overview["inLine"], overview["openMatches"]) == (1, 1)
    await a.post("end")
    await part(a, b)
    for someone in (a, b, c):
        await someone.post("end")


async def test_users_are_listed_by_state_page_by_page(stack: Stack, pool: str, new_person: NewPerson) -> None:
    people = [await new_person() for _ in range(5)]
    first = await get(stack, "users", pool=pool, state="IDLE", limit=2)
    rest = await get(stack, "users", pool=pool, state="IDLE", cursor=first["cursor"])
    found = [user["userId"] for user in first["users"] + rest["users"]]
    assert found == [someone.user_id for someone in people]
    assert rest["cursor"] is None
    newest = await get(stack, "users", pool=pool, state="IDLE", limit=1, order="newest")
    assert newest["users"][0]["userId"] == people[-1].user_id
    assert (await get(stack, "users", pool=pool, state="IDLE", olderThanS=3600))["users"] == []


async def test_users_of_all_states_are_listed_page_by_page(
    stack: Stack, pool: str, new_person: NewPerson
) -> None:
    people = [await new_person() for _ in range(5)]
    for waiting in people[1:4]:
        await waiting.post("enqueue")
        await waiting.post("heartbeat")
    for state in ({}, {"state": ""}):
        found: list[dict[str, Any]] = []
        page = await get(stack, "users", pool=pool, limit=2, **state)
        while page["cursor"]:
            assert len(page["users"]) == 2
            found += page["users"]
            page = await get(stack, "users", pool=pool, limit=2, cursor=page["cursor"], **state)
        found += page["users"]
        assert {user["userId"] for user in found} == {someone.user_id for someone in people}
        assert [user["since"] for user in found] == sorted(user["since"] for user in found)
    for someone in people:
        await someone.post("end")


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        ("users", "state", "NOWHERE"),
        ("users", "limit", "0"),
        ("users", "limit", "501"),
        ("users", "limit", "many"),
        ("users", "cursor", "nonsense"),
        ("users", "cursor", write_cursor("queue", 1, "a")),
        ("users", "order", "sideways"),
        ("users", "olderThanS", "-1"),
        ("users", "olderThanS", "inf"),
        ("users", "olderThanS", "nan"),
        ("users", "pool", "UPPER"),
        ("queue", "limit", "0"),
        ("queue", "cursor", "nonsense"),
        ("statistics", "minutes", "0"),
        ("statistics", "minutes", "1441"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused_and_the_field_named(
    stack: Stack, path: str, field: str, value: str
) -> None:
    query = {"state": "IDLE", field: value}
    async with stack.http.get(f"{stack.url}/api/admin/{path}", params=query, headers=BEARER) as answer:
        [error] = (await read_problem(answer, 422, "invalid_request"))["errors"]
    assert error["field"] == field
    assert error["message"]


async def test_one_user_is_shown_with_its_metadata_and_timeline(
    stack: Stack, pool: str, new_person: NewPerson
) -> None:
    a, b = await new_person(), await new_person()
    match = await meet(a, b)
    shown = await get(stack, f"users/{a.user_id}", pool=pool)
    assert shown["userId"] == a.user_id
    assert (shown["state"], shown["previousState"], shown["seq"]) == ("IN_CALL", "CONNECTING", 3)
    assert (shown["sessionId"], shown["currentRoom"]) == (match["sessionId"], match["roomName"])
    assert (shown["matchedWith"], shown["lastAction"]) == (b.user_id, "enqueue")
    assert shown["counters"] == {
        "matches": 1,
        "skips": 0,
        "ends": 0,
        "calls": 1,
        "totalCallMs": 0,
        "averageCallMs": 0,
    }
    now = await stack.now()
    for moment in ("createdAt", "lastActionAt", "joinedQueueAt", "roomJoinedAt", "since", "lastSeenAt"):
        assert type(shown[moment]) is int
        assert 0 <= now - shown[moment] < 20_000
    assert [event["type"] for event in shown["timeline"]] == ["call-started", "new-match", "queued"]
    await a.post("end")
    await part(a, b)
    await b.post("end")
    shown = await get(stack, f"users/{a.user_id}", pool=pool)
    assert shown["lastAction"] in ("end", "room-close-ack")  # LiveKit may have said first that it is out
    assert shown["counters"]["ends"] == 1
    assert shown["counters"]["averageCallMs"] == shown["counters"]["totalCallMs"] > 0
    for gone in ("sessionId", "currentRoom", "matchedWith", "roomJoinedAt", "joinedQueueAt"):
        assert shown[gone] is None


async def test_a_user_that_is_not_there_is_not_found(stack: Stack, pool: str, new_person: NewPerson) -> None:
    await new_person()
    url = f"{stack.url}/api/admin/users/nobody"
    async with stack.http.get(url, params={"pool": pool}, headers=BEARER) as answer:
        await read_problem(answer, 404, "not_found")
    await refused(stack, "users/nobody/transition", 404, "not_found", pool=pool, to="IDLE", reason="test")


async def test_a_forced_transition_is_done_told_logged_and_counted(
    stack: Stack, pool: str, new_person: NewPerson
) -> None:
    a, b = await new_person(), await new_person()
    await meet(a, b)
    done = await post(stack, f"users/{a.user_id}/transition", pool=pool, to="IDLE", reason="a test of it")
    assert done["state"] == "IDLE"
    assert (await a.event("force-disconnect"))["reason"] == "admin"
    await a.event("idle")
    assert (await b.event("force-disconnect"))["reason"] == "admin"
    await b.leave_room()
    await b.becomes("WAITING")
    assert '"reason":"a test of it"' in stack.service_log.replace('": ', '":')
    counted = (await get(stack, "statistics", pool=pool, minutes=2))["minutes"]
    assert sum(minute["forced"] for minute in counted) == 3
    assert sum(minute["ends"].get("admin", 0) for minute in counted) == 1
    await b.post("end")


async def test_a_transition_that_nobody_can_make_is_a_conflict_that_names_what_can_be(
    stack: Stack, pool: str, new_person: NewPerson
) -> None:
    someone = await new_person()
    path = f"users/{someone.user_id}/transition"
    problem = await refused(stack, path, 409, "invalid_state", pool=pool, to="IN_CALL", reason="test")
    assert (problem["state"], problem["allowed"]) == ("IDLE", ["WAITING"])
    for body in ({"to": "IDLE", "reason": "x" * 201}, {"to": "HOME"}, {"reason": "test"}):
        await refused(stack, path, 422, "invalid_request", pool=pool, **body)


async def test_who_is_there_already_is_left_alone(stack: Stack, pool: str, new_person: NewPerson) -> None:
    someone = await new_person()
    done = await post(stack, f"users/{someone.user_id}/transition", pool=pool, to="IDLE")
    assert (done["state"], done["transitions"]) == ("IDLE", [])
    assert (await someone.get("status"))["seq"] == 0


async def test_a_removed_user_begins_anew_and_its_partner_goes_on(
    stack: Stack, pool: str, new_person: NewPerson
) -> None:
    a, b = await new_person(), await new_person()
    await pair(a, b)
    await post(stack, f"users/{a.user_id}/cleanup", pool=pool, reason="test")
    await a.event("draining")
    connected = await a.listen(a.last_event_id)
    assert (connected["resync"], connected["state"], connected["seq"]) == (True, "IDLE", 0)
    assert (await b.event("requeued"))["reason"] == "admin"
    await b.post("end")


async def test_an_emptied_pool_has_nobody(stack: Stack, pool: str, new_person: NewPerson) -> None:
    people = [await new_person() for _ in range(4)]
    await meet(*people[:2])
    await people[2].post("enqueue")
    assert (await post(stack, "cleanup", pool=pool, reason="test"))["removed"] == 4
    assert sum((await get(stack, "overview", pool=pool))["counts"].values()) == 0
    for someone in people[:2]:
        await someone.leave_room()
    await refused(stack, "cleanup", 422, "invalid_request", reason="no pool named")


async def test_repair_mends_what_the_audit_finds(stack: Stack, pool: str, new_person: NewPerson) -> None:
    someone = await new_person()
    await someone.post("enqueue")
    await stack.redis.zrem(pool_key(pool, "queue"), someone.user_id)
    assert not (await stack.audit(pool))["ok"]
    mended = await post(stack, "repair", pool=pool)
    [finding] = mended["findings"]
    assert (finding["kind"], finding["id"]) == ("user", someone.user_id)
    assert finding["repairs"] == ["was not in line"]
    assert (await stack.audit(pool))["ok"]
    assert (await post(stack, "repair", pool=pool))["findings"] == []
    await someone.post("end")


async def test_repair_deletes_a_room_that_no_match_needs(
    stack: Stack, pool: str, new_person: NewPerson
) -> None:
    a, b = await new_person(), await new_person()
    match = await pair(a, b)
    await stack.redis.delete(pool_key(pool, "match", match["sessionId"]))
    await stack.redis.zrem(pool_key(pool, "matches"), match["sessionId"])

    async def mended() -> bool:
        await post(stack, "repair", pool=pool)
        return bool((await stack.audit(pool))["ok"])

    await eventually(mended, what="a sound state")
    for someone in (a, b):
        assert (await someone.event("force-disconnect"))["reason"] == "room-failed"
        await someone.post("end")


async def test_the_queue_is_shown_in_order(stack: Stack, pool: str, new_person: NewPerson) -> None:
    someone = await new_person()
    await someone.post("enqueue")
    queue = await get(stack, "queue", pool=pool)
    assert [(user["userId"], user["position"]) for user in queue["users"]] == [(someone.user_id, 1)]
    await someone.post("end")


async def test_time_in_each_state_and_every_kind_of_step_are_counted(
    stack: Stack, pool: str, new_person: NewPerson
) -> None:
    a, b = await new_person(), await new_person()
    await meet(a, b)
    await a.post("skip")
    await part(a, b)
    for someone in (a, b):
        await someone.post("end")
    minutes = (await get(stack, "statistics", pool=pool, minutes=3))["minutes"]
    assert len(minutes) == 3
    steps: dict[str, int] = {}
    for minute in minutes:
        for step, number in minute["steps"].items():
            steps[step] = steps.get(step, 0) + number
    assert steps == {
        "IDLE>WAITING": 2,
        "WAITING>CONNECTING": 2,
        "CONNECTING>IN_CALL": 2,
        "IN_CALL>DISCONNECTING": 2,
        "DISCONNECTING>WAITING": 2,
        "WAITING>IDLE": 2,
    }
    assert sum(minute["ends"].get("skip", 0) for minute in minutes) == 1
    assert sum(minute["spentMs"].get("IN_CALL", 0) for minute in minutes) > 0
