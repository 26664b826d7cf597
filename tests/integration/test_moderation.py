"""Blocks and reports by the API, what they lead to, and what moderators make of them."""

from typing import Any

import pytest

from tests.conftest import NewPerson
from tests.support.calls import all_become, meet, pair
from tests.support.person import Person
from tests.support.stack import SECRET, Stack
from tests.support.waiting import eventually

BEARER = {"Authorization": f"Bearer {SECRET}"}
Api = dict[str, Any]


class Moderator:
    """Who uses the API of the moderators, in one pool."""

    def __init__(self, stack: Stack, pool: str) -> None:
        self._stack = stack
        self._pool = pool

    async def get(self, path: str, **query: Any) -> Api:
        url = f"{self._stack.url}/api/admin/{path}"
        async with self._stack.http.get(url, params={"pool": self._pool, **query}, headers=BEARER) as answer:
            assert answer.status == 200, await answer.text()
            found: Api = await answer.json()
            return found

    async def post(self, path: str, /, expect: int = 200, **body: Any) -> Api:
        url = f"{self._stack.url}/api/admin/{path}"
        async with self._stack.http.post(url, json={"pool": self._pool, **body}, headers=BEARER) as answer:
            assert answer.status == expect, await answer.text()
            done: Api = await answer.json(content_type=None)
            return done


@pytest.fixture
def moderator(stack: Stack, pool: str) -> Moderator:
    return Moderator(stack, pool)


async def refused(someone: Person, status: int, code: str, action: str, **body: Any) -> Api:
    got, problem = await someone.request("POST", f"/api/matching/{action}", json=body)
    assert (got, problem["code"]) == (status, code), problem
    return problem


async def is_reported_by(culprit: Person, *reporters: Person) -> list[str]:
    """Each meets the culprit and reports it; the reports' ids."""
    ids = []
    for reporter in reporters:
        match = await pair(reporter, culprit)
        answer = await reporter.post(
            "report", sessionId=match["sessionId"], reason="nudity", details="So it was."
        )
        assert answer["outcome"] == "reported"
        ids.append(answer["reportId"])
        await reporter.becomes("IDLE")
        if await culprit.state() == "WAITING":
            await culprit.post("end")
        await culprit.becomes("IDLE")
    return ids


async def is_over(someone: Person) -> None:
    """Waits for the end of the stream."""

    async def ended() -> bool:
        return not someone.listening

    await eventually(ended, what="the end of the stream")


async def test_a_block_in_a_call_ends_it_for_both(new_person: NewPerson) -> None:
    a, b = await new_person(), await new_person()
    match = await meet(a, b)
    answer = await a.post("block", sessionId=match["sessionId"])
    assert answer["outcome"] == "blocked"
    assert (await a.event("skip-confirmed"))["targetState"] == "WAITING"
    assert (await b.event("force-disconnect"))["reason"] == "blocked"
    await all_become("WAITING", a, b)
    for someone in (a, b):
        assert (await someone.get("status"))["holdReason"] == "blocked"
    for someone in (a, b):
        await someone.post("end")


async def test_a_report_in_a_call_blocks_ends_and_tells_the_moderators(
    moderator: Moderator, new_person: NewPerson
) -> None:
    a, b = await new_person(), await new_person()
    match = await meet(a, b)
    answer = await a.post(
        "report",
        sessionId=match["sessionId"],
        reason="harassment",
        details="x" * 500,
        userId=a.user_id,
    )
    await a.becomes("IDLE")
    assert (await b.event("force-disconnect"))["reason"] == "blocked"
    await b.becomes("WAITING")
    again = await a.post("report", sessionId=match["sessionId"], reason="spam")
    assert again["reportId"] == answer["reportId"]

    (report,) = (await moderator.get("reports"))["reports"]
    assert report.pop("at") > 0
    assert report == {
        "reportId": answer["reportId"],
        "reporterId": a.user_id,
        "userId": b.user_id,
        "sessionId": match["sessionId"],
        "reason": "harassment",
        "details": "x" * 500,
        "verdict": None,
        "moderator": None,
        "note": None,
        "resolvedAt": None,
    }
    await a.post("enqueue")
    assert (await a.get("status"))["holdReason"] == "blocked"
    for someone in (a, b):
        await someone.post("end")


async def test_who_reports_a_partner_that_has_just_skipped_goes_home_too(new_person: NewPerson) -> None:
    a, b = await new_person(), await new_person()
    match = await meet(a, b)
    await b.post("skip")
    await a.post("report", sessionId=match["sessionId"], reason="other")
    await a.becomes("IDLE")
    await b.becomes("WAITING")
    await b.post("end")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"reason": "spam"}, 422, "invalid_request"),
        ({"sessionId": "x", "reason": "boredom"}, 422, "invalid_request"),
        ({"sessionId": "x", "reason": "spam", "details": "x" * 501}, 422, "invalid_request"),
        ({"sessionId": "x", "reason": "spam", "userId": "somebody"}, 403, "user_mismatch"),
        ({"sessionId": "x", "reason": "spam"}, 404, "not_found"),
    ],
)
async def test_what_is_no_report_is_refused(
    new_person: NewPerson, moderator: Moderator, body: Api, status: int, code: str
) -> None:
    someone = await new_person()
    await refused(someone, status, code, "report", **body)
    assert (await moderator.get("reports"))["reports"] == []


async def test_nobody_can_report_somebody_elses_partner(new_person: NewPerson) -> None:
    a, b, stranger = [await new_person() for _ in range(3)]
    match = await pair(a, b)
    for action in ("block", "report"):
        await refused(stranger, 403, "forbidden", action, sessionId=match["sessionId"], reason="spam")
    assert await b.state() == "CONNECTING"
    await a.post("end")
    await b.post("end")


async def test_three_reporters_suspend_somebody_and_two_do_not(
    stack: Stack, moderator: Moderator, new_person: NewPerson
) -> None:
    culprit, *reporters = [await new_person() for _ in range(4)]
    await is_reported_by(culprit, *reporters[:2])
    await culprit.post("enqueue")
    await culprit.post("end")
    await is_reported_by(culprit, reporters[2])
    problem = await refused(culprit, 403, "suspended", "enqueue")
    assert problem["reason"] == "reported"
    assert problem["until"] > await stack.now() + 80_000_000
    assert await culprit.state() == "IDLE"
    idle = await culprit.event("idle", reason="suspended")
    assert idle["state"] == "IDLE"
    assert idle["bar"] == {"kind": "suspended", "reason": "reported", "until": problem["until"]}
    assert len((await moderator.get("reports"))["reports"]) == 3


async def test_one_reporter_counts_once(new_person: NewPerson) -> None:
    culprit, reporter, other = [await new_person() for _ in range(3)]
    sessions = []
    for _ in range(3):
        sessions.append((await pair(reporter, culprit))["sessionId"])
        await reporter.post("end")
        await culprit.post("end")
    for session in sessions:
        await reporter.post("report", sessionId=session, reason="spam")
    await is_reported_by(culprit, other)
    await culprit.post("enqueue")
    await culprit.post("end")


async def test_the_last_report_takes_the_culprit_out_of_its_next_call(new_person: NewPerson) -> None:
    culprit, *reporters, victim = [await new_person() for _ in range(5)]
    sessions = []
    for reporter in reporters:
        sessions.append((await pair(reporter, culprit))["sessionId"])
        await reporter.post("end")
        await culprit.post("end")
    await pair(culprit, victim)
    for reporter, session in zip(reporters, sessions, strict=True):
        await reporter.post("report", sessionId=session, reason="hate")
    await culprit.becomes("IDLE")
    await victim.becomes("WAITING")
    assert (await victim.event("force-disconnect"))["reason"] == "admin"
    await victim.post("end")


async def test_a_dismissed_report_ends_the_suspension_and_an_upheld_one_does_not(
    moderator: Moderator, new_person: NewPerson
) -> None:
    culprit, *reporters = [await new_person() for _ in range(4)]
    upheld, dismissed, _ = await is_reported_by(culprit, *reporters)
    await moderator.post(f"reports/{upheld}/resolve", outcome="upheld", moderator="ann", note="seen")
    await refused(culprit, 403, "suspended", "enqueue")
    answer = await moderator.post(f"reports/{dismissed}/resolve", outcome="dismissed", moderator="ann")
    assert answer == {"reportId": dismissed, "outcome": "dismissed", "userId": culprit.user_id}
    await culprit.post("enqueue")
    await culprit.post("end")

    again = await moderator.post(f"reports/{dismissed}/resolve", outcome="banned")
    assert again["outcome"] == "dismissed"  # it is decided
    await culprit.post("enqueue")
    await culprit.post("end")
    assert len((await moderator.get("reports"))["reports"]) == 1
    resolved = (await moderator.get("reports", status="resolved"))["reports"]
    assert [
        (report["reportId"], report["verdict"], report["moderator"], report["note"]) for report in resolved
    ] == [
        (upheld, "upheld", "ann", "seen"),
        (dismissed, "dismissed", "ann", ""),
    ]


async def test_who_has_reported_somebody_twice_counts_until_both_reports_are_dismissed(
    moderator: Moderator, new_person: NewPerson
) -> None:
    culprit, twice, *others = [await new_person() for _ in range(4)]
    sessions = []
    for _ in range(2):
        sessions.append((await pair(twice, culprit))["sessionId"])
        await twice.post("end")
        await culprit.post("end")
    first, second = [
        (await twice.post("report", sessionId=session, reason="spam"))["reportId"] for session in sessions
    ]
    await is_reported_by(culprit, *others)
    await moderator.post(f"reports/{first}/resolve", outcome="dismissed")
    await refused(culprit, 403, "suspended", "enqueue")
    await moderator.post(f"reports/{second}/resolve", outcome="dismissed")
    await culprit.post("enqueue")
    await culprit.post("end")


async def test_a_report_may_end_in_a_ban(stack: Stack, moderator: Moderator, new_person: NewPerson) -> None:
    culprit, reporter = await new_person(), await new_person()
    (report_id,) = await is_reported_by(culprit, reporter)
    await culprit.post("enqueue")
    await moderator.post(f"reports/{report_id}/resolve", outcome="banned", durationSeconds=600)
    await culprit.event("idle", reason="banned")
    problem = await refused(culprit, 403, "banned", "enqueue")
    assert problem["reason"] == "nudity"
    assert 590_000 < problem["until"] - await stack.now() <= 600_000


async def test_a_ban_takes_somebody_out_and_ends_in_time_or_by_a_moderator(
    stack: Stack, moderator: Moderator, new_person: NewPerson
) -> None:
    culprit, partner = await new_person(), await new_person()
    await meet(culprit, partner)
    answer = await moderator.post(
        f"users/{culprit.user_id}/ban", reason="spam", moderator="bob", durationSeconds=900
    )
    assert answer["until"] > await stack.now()
    await partner.becomes("WAITING")
    await refused(culprit, 403, "banned", "enqueue")
    assert (await culprit.request("GET", "/api/matching/status"))[0] == 403
    await is_over(culprit)
    assert (await culprit.request("GET", "/api/matching/events"))[0] == 403
    assert (await stack.user(culprit.pool, culprit.user_id))["state"] != "IN_CALL"
    assert await moderator.post(f"users/{culprit.user_id}/unban", moderator="bob", reason="sorry") == {
        "userId": culprit.user_id,
        "wasBarred": True,
    }
    await partner.post("end")
    await culprit.post("enqueue")
    await culprit.post("end")

    await moderator.post(f"users/{culprit.user_id}/ban", durationSeconds=0.2)

    async def may_again() -> bool:
        status, _ = await culprit.request("POST", "/api/matching/enqueue")
        return status == 200

    await eventually(may_again, what="the end of the ban")
    await culprit.post("end")
    entries = (await moderator.get("trail"))["entries"]
    assert [(entry["action"], entry["moderator"]) for entry in entries] == [
        ("ban", "admin"),
        ("unban", "bob"),
        ("ban", "bob"),
    ]
    assert (
        entries[2].items() >= {"userId": culprit.user_id, "reason": "spam", "until": answer["until"]}.items()
    )


@pytest.mark.parametrize("duration", [True, "600", "1e3 ", 0, -1, 1e-9, 1e99, [600]])
async def test_a_duration_that_is_none_is_refused_and_bans_nobody(
    moderator: Moderator, new_person: NewPerson, duration: Any
) -> None:
    someone = await new_person()
    problem = await moderator.post(f"users/{someone.user_id}/ban", expect=422, durationSeconds=duration)
    assert [error["field"] for error in problem["errors"]] == ["durationSeconds"]
    await someone.post("enqueue")
    await someone.post("end")


async def test_the_ban_of_a_device_that_is_not_known_is_not_said_to_be_one(moderator: Moderator) -> None:
    answer = await moderator.post("users/somebody-of-yesterday/ban", durationSeconds=60)
    (entry,) = (await moderator.get("trail"))["entries"]
    assert answer["device"] is entry["device"] is False
    await moderator.post("users/somebody-of-yesterday/unban")


async def test_no_operator_leads_somebody_who_is_kept_out_into_the_queue(
    moderator: Moderator, new_person: NewPerson
) -> None:
    culprit = await new_person()
    user = f"users/{culprit.user_id}"
    assert (await moderator.get(user))["bar"] is None
    until = (await moderator.post(f"{user}/ban", reason="spam", durationSeconds=900))["until"]
    bar = {"kind": "banned", "reason": "spam", "until": until, "origin": ""}
    assert (await moderator.get(user))["bar"] == bar
    problem = await moderator.post(f"{user}/transition", expect=409, to="WAITING", reason="a test")
    assert (problem["code"], problem["allowed"]) == ("invalid_state", [])
    assert "banned" in problem["detail"]
    await moderator.post(f"{user}/unban")
    assert (await moderator.post(f"{user}/transition", to="WAITING", reason="a test"))["state"] == "WAITING"
    await culprit.post("end")


async def test_the_trail_and_the_reports_come_page_by_page(
    moderator: Moderator, new_person: NewPerson
) -> None:
    culprit, *reporters = [await new_person() for _ in range(3)]
    ids = await is_reported_by(culprit, *reporters)
    first = await moderator.get("reports", limit=1)
    second = await moderator.get("reports", limit=1, cursor=first["cursor"])
    assert [report["reportId"] for page in (first, second) for report in page["reports"]] == ids
    assert second["cursor"] is None
    for report_id in ids:
        await moderator.post(f"reports/{report_id}/resolve", outcome="upheld")
    newest = await moderator.get("trail", limit=1)
    older = await moderator.get("trail", limit=1, cursor=newest["cursor"])
    assert [page["entries"][0]["reportId"] for page in (newest, older)] == ids[::-1]
    assert (await moderator.get("trail", limit=1, cursor=older["cursor"]))["entries"] == []


async def test_a_report_nobody_made_has_no_verdict(moderator: Moderator) -> None:
    problem = await moderator.post("reports/made-up/resolve", expect=404, outcome="upheld")
    assert problem["code"] == "not_found"
    await moderator.post("reports/made-up/resolve", expect=422, outcome="perhaps")
