"""Who is suspended or banned does not come back as somebody new with the same browser."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from dormparty_sse.store.keys import device_bar, device_users, pool_key
from tests.conftest import NewPerson
from tests.integration.test_moderation import Moderator, is_reported_by, moderator, refused
from tests.support.person import Person
from tests.support.stack import Stack
from tests.support.waiting import eventually

__all__ = ["moderator"]


class Browser:
    """Keeps cookies, as a browser does for all its tabs."""

    def __init__(self, stack: Stack, pool: str, http: aiohttp.ClientSession) -> None:
        self._stack, self._pool, self._http = stack, pool, http

    async def session(self) -> tuple[int, dict[str, Any]]:
        """What a page that is opened gets."""
        async with self._http.post(f"{self._stack.url}/api/session", json={"pool": self._pool}) as answer:
            return answer.status, await answer.json(content_type=None)

    async def person(self) -> Person:
        """Whoever sits before it."""
        status, session = await self.session()
        assert status in (200, 201), session
        return Person(self._stack.http, self._stack.url, session)

    def in_pool(self, pool: str) -> "Browser":
        """The same one, before somebody who goes elsewhere."""
        return Browser(self._stack, pool, self._http)

    def forget_session(self) -> None:
        """Somebody removes the session's cookie and keeps the device's."""
        self._http.cookie_jar.clear(lambda cookie: cookie.key == "dormparty_session")

    @property
    def device(self) -> str:
        (found,) = [cookie.value for cookie in self._http.cookie_jar if cookie.key == "dormparty_device"]
        return found


@pytest.fixture
async def browser(stack: Stack, pool: str) -> AsyncIterator[Browser]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        yield Browser(stack, pool, http)


async def suspended(browser: Browser, new_person: NewPerson) -> Person:
    """Somebody whom three people have reported."""
    culprit = await browser.person()
    await is_reported_by(culprit, *[await new_person() for _ in range(3)])
    await culprit.hang_up()
    return culprit


async def test_suspended_people_cannot_come_back_by_a_new_tab(
    browser: Browser, new_person: NewPerson
) -> None:
    culprit = await suspended(browser, new_person)
    tab = await browser.person()
    assert tab.user_id == culprit.user_id
    was = await refused(tab, 403, "suspended", "enqueue")
    browser.forget_session()
    again = await browser.person()
    assert again.user_id != culprit.user_id
    problem = await refused(again, 403, "suspended", "enqueue")
    assert {name: problem[name] for name in ("reason", "until")} == {
        name: was[name] for name in ("reason", "until")
    }
    assert await again.state() == "IDLE"


async def test_when_the_reports_are_dismissed_the_device_is_free_again(
    browser: Browser, moderator: Moderator, new_person: NewPerson
) -> None:
    await suspended(browser, new_person)
    browser.forget_session()
    again = await browser.person()
    await refused(again, 403, "suspended", "enqueue")
    report, *_ = (await moderator.get("reports"))["reports"]
    await moderator.post(f"reports/{report['reportId']}/resolve", outcome="dismissed")
    await again.post("enqueue")
    await again.post("end")


@pytest.mark.parametrize("with_device", [True, False])
async def test_a_ban_is_of_the_user_and_if_wanted_of_its_device(
    stack: Stack, browser: Browser, moderator: Moderator, *, with_device: bool
) -> None:
    culprit = await browser.person()
    browser.forget_session()
    other = await browser.person()
    await other.post("enqueue")
    answer = await moderator.post(f"users/{culprit.user_id}/ban", reason="hate", device=with_device)
    assert answer["device"] is with_device
    await refused(culprit, 403, "banned", "enqueue")
    browser.forget_session()
    status, problem = await browser.session()
    if with_device:
        assert (status, problem["code"], problem["reason"]) == (403, "banned", "hate")
        await refused(other, 403, "banned", "enqueue")
        assert (await stack.user(other.pool, other.user_id))["state"] == "IDLE"
        await moderator.post(f"users/{culprit.user_id}/unban")
        assert (await browser.session())[0] == 201
        await other.post("enqueue")
    else:
        assert status == 201
    await other.post("end")


async def test_what_is_known_of_a_device_is_forgotten_in_time(
    stack: Stack, browser: Browser, moderator: Moderator
) -> None:
    someone = await browser.person()
    await moderator.post(f"users/{someone.user_id}/ban", durationSeconds=60)
    assert 59_000 < await stack.redis.pttl(device_bar(browser.device)) <= 60_000
    day_ms = stack.settings.session_ttl_s * 1000
    assert day_ms - 10_000 < await stack.redis.pttl(device_users(browser.device)) <= day_ms


async def test_a_bearer_brings_its_device_with_the_token(
    stack: Stack, pool: str, moderator: Moderator, new_person: NewPerson
) -> None:
    someone = await new_person()
    assert (await moderator.post(f"users/{someone.user_id}/ban"))["device"] is True
    url = f"{stack.url}/api/session"
    async with stack.http.post(url, json={"pool": pool}, headers=someone.headers) as answer:
        assert answer.status == 403


async def forgotten(stack: Stack, someone: Person) -> None:
    """An hour goes by without anybody seeing that one."""
    await stack.redis.zadd(pool_key(someone.pool, "presence"), {someone.user_id: 1})
    due = {f"presence:{someone.user_id}": round(await stack.now())}
    await stack.redis.zadd(pool_key(someone.pool, "deadlines"), due)

    async def is_gone() -> bool:
        return not await stack.user(someone.pool, someone.user_id)

    await eventually(is_gone, what="the end of the record")


async def test_an_unban_reaches_the_device_of_somebody_who_is_forgotten(
    stack: Stack, browser: Browser, moderator: Moderator
) -> None:
    culprit = await browser.person()
    await moderator.post(f"users/{culprit.user_id}/ban")
    await forgotten(stack, culprit)
    browser.forget_session()
    assert (await browser.session())[0] == 403
    await moderator.post(f"users/{culprit.user_id}/unban")
    assert (await browser.session())[0] == 201


@pytest.mark.parametrize(("outcome", "status"), [("dismissed", 200), ("banned", 403)])
async def test_a_verdict_reaches_the_device_of_somebody_who_is_forgotten(
    stack: Stack, browser: Browser, moderator: Moderator, new_person: NewPerson, outcome: str, status: int
) -> None:
    culprit = await suspended(browser, new_person)
    await forgotten(stack, culprit)
    report, *_ = (await moderator.get("reports"))["reports"]
    for _ in range(2):  # a repeat does no harm
        await moderator.post(f"reports/{report['reportId']}/resolve", outcome=outcome)
    browser.forget_session()
    if outcome == "banned":
        assert (await browser.session())[0] == status
    else:
        again = await browser.person()
        assert (await again.request("POST", "/api/matching/enqueue"))[0] == status
        await again.post("end")


async def test_whoever_comes_with_a_banned_device_leaves_no_trace(
    stack: Stack, pool: str, browser: Browser, moderator: Moderator
) -> None:
    culprit = await browser.person()
    await moderator.post(f"users/{culprit.user_id}/ban")
    browser.forget_session()
    before = await stack.contents(pool)
    assert (await browser.session())[0] == 403
    assert await stack.contents(pool) == before


async def test_a_shorter_ban_by_way_of_the_device_leaves_a_longer_one_as_it_is(
    browser: Browser, moderator: Moderator
) -> None:
    first = await browser.person()
    browser.forget_session()
    second = await browser.person()
    longer = await moderator.post(f"users/{first.user_id}/ban", durationSeconds=5_000, device=False)
    await moderator.post(f"users/{second.user_id}/ban", durationSeconds=60)
    assert (await refused(first, 403, "banned", "enqueue"))["until"] == longer["until"]


async def test_a_report_dismissed_in_one_pool_leaves_what_rests_on_those_of_another(
    stack: Stack, pool: str, browser: Browser, new_person: NewPerson
) -> None:
    culprit = await suspended(browser, new_person)
    elsewhere = f"{pool}-2"
    browser.forget_session()
    same = await browser.in_pool(elsewhere).person()
    await refused(same, 403, "suspended", "enqueue")
    # What a friend has reported who met it there, for this to be dismissed.
    fields = {
        "user": same.user_id,
        "against": browser.device,
        "device": browser.device,
        "session": "s",
        "at": "1",
    }
    fields |= {"reporter": "friend", "by": "friend", "reason": "spam", "details": ""}
    for name, value in fields.items():
        await stack.redis.hset(pool_key(elsewhere, "report", "made-up"), name, value)
    await Moderator(stack, elsewhere).post("reports/made-up/resolve", outcome="dismissed")
    await refused(same, 403, "suspended", "enqueue")
    await refused(culprit, 403, "suspended", "enqueue")
    browser.forget_session()
    await refused(await browser.person(), 403, "suspended", "enqueue")


async def test_a_verdict_makes_no_ban_shorter(
    browser: Browser, moderator: Moderator, new_person: NewPerson
) -> None:
    culprit, reporter, other = await browser.person(), await new_person(), await new_person()
    first, second = await is_reported_by(culprit, reporter, other)
    await moderator.post(f"reports/{first}/resolve", outcome="banned", durationSeconds=5_000)
    until = (await refused(culprit, 403, "banned", "enqueue"))["until"]
    await moderator.post(f"reports/{second}/resolve", outcome="banned", durationSeconds=60)
    assert (await refused(culprit, 403, "banned", "enqueue"))["until"] == until
    browser.forget_session()
    status, problem = await browser.session()
    assert (status, problem["until"]) == (403, until)
