"""Who is suspended or banned does not come back as somebody new with the same browser."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from dormparty_sse.store.keys import device_bar, device_users
from tests.conftest import NewPerson
from tests.integration.test_moderation import Moderator, is_reported_by, moderator, refused
from tests.support.person import Person
from tests.support.stack import Stack

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
