"""What every answer has: an id, security headers, and if it is an error, a problem."""

import pytest

from tests.conftest import NewPerson
from tests.support.problems import read_problem
from tests.support.raw import send_raw
from tests.support.stack import SECRET, Stack

ADMIN = {"Authorization": f"Bearer {SECRET}"}

PATHS = ["/", "/healthz", "/readyz", "/api/matching/status", "/nowhere", "/api/session", "/static/nothing.js"]


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/api",
        "/api/matching",
        "/api/matching/",
        "/api/matching/enqueue/",
        "/api/matching/nothing",
        "/api/simple-matching/room-close-ack",
        "/API/matching/status",
        "/static/nothing.js",
        "/static/" + "x" * 3000,
        "/static/" + "%E4%B8%AD" * 100,  # more bytes than a file system takes
        "/static/%00",
        "/static/%2e%2e/app.py",
        "/%2e%2e/%2e%2e/etc/passwd",
    ],
)
async def test_an_unknown_path_is_not_found(path: str, stack: Stack) -> None:
    status, problem = await send_raw(stack.url, f"GET {path}")
    assert (status, problem["status"], problem["code"]) == (404, 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/session", {"POST", "DELETE"}),
        ("GET", "/api/matching/enqueue", {"POST"}),
        ("PUT", "/api/matching/enqueue", {"POST"}),
        ("DELETE", "/api/simple-matching/skip", {"POST"}),
        ("PATCH", "/api/matching/check-match", {"GET", "HEAD", "POST"}),
        ("POST", "/api/check-match", {"GET", "HEAD"}),
        ("OPTIONS", "/api/matching/end", {"POST"}),
        ("TRACE", "/api/matching/end", {"POST"}),
        ("POST", "/api/matching/events", {"GET"}),
        ("POST", "/healthz", {"GET", "HEAD"}),
        ("PROPFIND", "/", {"GET", "HEAD"}),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(
    method: str, path: str, allowed: set[str], stack: Stack, pool: str, new_person: NewPerson
) -> None:
    someone = await new_person()
    before = await stack.contents(pool)
    async with stack.http.request(method, stack.url + path, headers=someone.headers) as answer:
        await read_problem(answer, 405, "method_not_allowed")
        assert set(answer.headers["Allow"].split(",")) == allowed
    assert await stack.contents(pool) == before


async def test_a_look_at_the_streams_headers_does_not_take_over_the_stream(
    stack: Stack, new_person: NewPerson
) -> None:
    someone = await new_person()
    await someone.listen()
    for path in ("/api/matching/events", "/api/sse"):
        async with stack.http.head(stack.url + path, headers=someone.headers) as answer:
            assert answer.status == 405
    await someone.post("enqueue")
    await someone.event("queued")
    assert "superseded" not in {event["type"] for event in someone.events}
    await someone.post("end")


@pytest.mark.parametrize("request_id", ["a", "trace-1.2_3", "0" * 64])
async def test_a_sane_request_id_is_kept(request_id: str, stack: Stack) -> None:
    for path in PATHS:
        async with stack.http.get(stack.url + path, headers={"X-Request-Id": request_id}) as answer:
            assert answer.headers["X-Request-Id"] == request_id


@pytest.mark.parametrize("request_id", ["", "a b", "0" * 65, "<script>", "a;b", "caf\u00e9", "{}", "a/b"])
async def test_any_other_request_id_is_replaced(request_id: str, stack: Stack) -> None:
    headers = {"X-Request-Id": request_id} if request_id else {}
    seen = set()
    for path in PATHS:
        async with stack.http.get(stack.url + path, headers=headers) as answer:
            seen.add(answer.headers["X-Request-Id"])
    assert len(seen) == len(PATHS)
    assert all(one.isalnum() for one in seen)


async def test_every_answer_has_the_security_headers(stack: Stack, new_person: NewPerson) -> None:
    someone = await new_person()
    for path in (*PATHS, "/api/matching/events"):
        async with stack.http.get(stack.url + path, headers=someone.headers) as answer:
            headers = answer.headers
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        for name in ("default-src", "base-uri", "form-action", "frame-ancestors"):
            assert policy[name] == "'none'"
        for name in ("script-src", "style-src", "worker-src"):
            assert policy[name] == "'self'"
        assert stack.livekit_server.url.removeprefix("http") in policy["connect-src"]
        assert not {"'unsafe-inline'", "'unsafe-eval'", "*"} & set(" ".join(policy.values()).split())
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "camera=(self)" in headers["Permissions-Policy"]
        assert "microphone=(self)" in headers["Permissions-Policy"]


async def test_no_answer_of_the_api_is_to_be_kept(stack: Stack, new_person: NewPerson) -> None:
    someone = await new_person()
    for path in ("/api/matching/status", "/api/check-match", "/healthz", "/readyz"):
        async with stack.http.get(stack.url + path, headers=someone.headers) as answer:
            assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")


async def test_healthz_and_readyz_need_no_credentials(stack: Stack) -> None:
    async with stack.http.get(stack.url + "/healthz") as answer:
        assert (answer.status, await answer.json()) == (200, {"status": "alive"})
    async with stack.http.get(stack.url + "/readyz") as answer:
        assert answer.status == 200
        report = await answer.json()
    assert report["ready"] is True
    assert report["holdReason"] is None
    for part in ("redis", "livekit"):
        assert report[part]["state"] == "up"
        assert report[part]["latencyMs"] >= 0


async def test_the_audit_is_for_admins(stack: Stack, pool: str, new_person: NewPerson) -> None:
    someone = await new_person()
    url = f"{stack.url}/api/admin/audit"
    refused: list[tuple[dict[str, str], int, str]] = [
        ({}, 401, "unauthenticated"),
        ({"Authorization": "Basic " + SECRET}, 401, "unauthenticated"),
        ({"Authorization": SECRET}, 401, "unauthenticated"),
        ({"Cookie": f"dormparty_session={SECRET}"}, 401, "unauthenticated"),
        (someone.headers, 403, "forbidden"),
        ({"Authorization": "Bearer wrong"}, 403, "forbidden"),
        ({"Authorization": f"Bearer {SECRET[:-1]}"}, 403, "forbidden"),
    ]
    for headers, status, code in refused:
        async with stack.http.get(url, headers=headers) as answer:
            await read_problem(answer, status, code)
    status, _ = await send_raw(stack.url, "GET /api/admin/audit", b"Authorization: Bearer \xff\xfe")
    assert status == 403

    async with stack.http.get(url, headers=ADMIN, params={"pool": pool}) as answer:
        assert answer.status == 200
        report = await answer.json()
    assert (report["ok"], report["pool"], report["roomsChecked"]) == (True, pool, True)
    assert not any(report["invariants"].values())


async def test_the_page_and_its_files_are_served_and_asked_again_each_time(stack: Stack) -> None:
    for path, content_type in (("/", "html"), ("/static/app.js", "javascript"), ("/static/base.css", "css")):
        async with stack.http.get(stack.url + path) as answer:
            assert (answer.status, answer.content_type.split("/")[1]) == (200, content_type)
            assert answer.headers["Cache-Control"] == "no-cache"
            etag = answer.headers["ETag"]
        async with stack.http.get(stack.url + path, headers={"If-None-Match": etag}) as answer:
            assert answer.status == 304
