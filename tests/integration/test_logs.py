"""The log: a line for each request and each transition, and never a secret."""

import secrets

from tests.conftest import NewPerson
from tests.support.logs import assert_no_secret, log_lines, requests
from tests.support.stack import KEY, SECRET, Stack
from tests.support.waiting import eventually


async def test_each_request_is_one_line(stack: Stack, new_person: NewPerson) -> None:
    someone = await new_person()
    mark = secrets.token_hex(8)
    asked = [
        ("POST", "/api/matching/heartbeat", "/api/matching/heartbeat", 200),
        ("GET", "/api/matching/status?userId=", "/api/matching/status", 422),
        ("GET", "/api/session", "unknown", 405),
        ("GET", f"/nowhere/{mark}", "unknown", 404),
        ("GET", "/", "/", 200),
        ("POST", "/api/livekit/webhooks", "/api/livekit/webhooks", 401),
    ]
    for number, (method, path, _, status) in enumerate(asked):
        headers = someone.headers | {"X-Request-Id": f"{mark}-{number}"}
        async with stack.http.request(method, stack.url + path, headers=headers) as answer:
            assert answer.status == status

    async def all_logged() -> bool:
        marked = [line for line in requests(stack.service_log) if line["request_id"].startswith(mark)]
        return len(marked) == len(asked)

    await eventually(all_logged, what="the lines")
    for number, (method, _, route, status) in enumerate(asked):
        (line,) = (line for line in requests(stack.service_log) if line["request_id"] == f"{mark}-{number}")
        assert (line["method"], line["route"], line["status"]) == (method, route, status)
        assert 0 <= line["ms"] < 10_000
        assert line["level"] == "info"
        assert line["timestamp"]
    assert f"/nowhere/{mark}" not in stack.service_log  # routes, not paths: those may hold anything


async def test_each_transition_is_one_line(stack: Stack, pool: str, new_person: NewPerson) -> None:
    a, b = await new_person(), await new_person()
    for someone in (a, b):
        await someone.listen()
        await someone.post("enqueue")
    match = await a.event("new-match")
    await a.post("end")
    await b.post("end")

    lines = [line for line in log_lines(stack.service_log) if line["event"] == "transition"]
    mine = [line for line in lines if line["user_id"] == a.user_id]
    steps = [(line["seq"], line["from_state"], line["to_state"], line["reason"]) for line in mine]
    assert steps == [
        (1, "IDLE", "WAITING", "enqueue"),
        (2, "WAITING", "CONNECTING", "matched"),
        (3, "CONNECTING", "WAITING", "end"),
        (4, "WAITING", "IDLE", "end"),
    ]
    assert [line["session_id"] for line in mine] == [None, *[match["sessionId"]] * 3]
    assert all(line["duration_ms"] >= 0 for line in mine)
    assert {line["pool"] for line in mine} == {pool}
    (end,) = (
        line
        for line in requests(stack.service_log)
        if line.get("user_id") == a.user_id and line["route"].endswith("/end")
    )
    assert mine[-1]["request_id"] == end["request_id"]  # what a request did is found by its id


async def test_a_refused_request_leaves_no_transition(stack: Stack, new_person: NewPerson) -> None:
    someone = await new_person()
    await someone.request("POST", "/api/matching/enqueue", data=b"[]")
    lines = [line for line in log_lines(stack.service_log) if line["event"] == "transition"]
    assert someone.user_id not in {line["user_id"] for line in lines}


async def test_no_token_cookie_or_secret_is_logged(stack: Stack, new_person: NewPerson) -> None:
    someone = await new_person()
    cookie = {"Cookie": f"dormparty_session={someone.token}"}
    query = {"token": someone.token, "access_token": someone.token, "sessionId": someone.token[:100]}
    url = stack.url + "/api/matching"
    for method, path in (
        ("GET", "/check-match"),
        ("POST", "/enqueue"),
        ("GET", "/nowhere"),
        ("POST", "/leave"),
    ):
        for headers in (cookie, someone.headers, {"Authorization": SECRET}):
            async with stack.http.request(method, url + path, headers=headers, params=query) as answer:
                assert answer.status in {200, 401, 404}
    body = {"token": someone.token, "interests": someone.token}
    async with stack.http.post(url + "/enqueue", json=body, headers=someone.headers) as answer:
        assert answer.status == 422
    headers = {"Authorization": someone.token}
    async with stack.http.post(stack.url + "/api/livekit/webhooks", data=b"{}", headers=headers) as answer:
        assert answer.status == 401
    assert len(log_lines(stack.service_log)) > 10
    assert_no_secret(stack.service_log, SECRET, KEY.secret)
