"""A page of another origin may not let a browser's cookie act."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.conftest import NewPerson
from tests.support.person import Person
from tests.support.problems import read_problem
from tests.support.stack import Stack


def cookie(someone: Person) -> dict[str, str]:
    return {"Cookie": f"dormparty_session={someone.token}"}


def foreign_origins(url: str) -> list[str]:
    own = urlsplit(url)
    return [
        "null",
        "https://evil.example",
        f"http://{own.hostname}:1",
        f"http://{own.hostname}",
        f"{url}.evil.example",
        f"http://evil.example/{own.netloc}",
        f"http://{own.netloc}@evil.example",
        "http://[::1",
        "nonsense",
    ]


async def test_a_foreign_page_cannot_act_by_cookie(stack: Stack, pool: str, new_person: NewPerson) -> None:
    someone = await new_person()
    before = await stack.contents(pool)
    for origin in foreign_origins(stack.url):
        for path in ("/api/matching/enqueue", "/api/simple-matching/enqueue", "/api/session"):
            headers = cookie(someone) | {"Origin": origin}
            async with stack.http.post(stack.url + path, headers=headers) as answer:
                await read_problem(answer, 403, "forbidden_origin")
    assert await stack.contents(pool) == before


@pytest.mark.parametrize("authorization", ["Basic dXNlcjpwYXNz", "Bearer", "Bearer "])
async def test_credentials_that_a_browser_adds_do_not_hide_the_cookie(
    authorization: str, stack: Stack, pool: str, new_person: NewPerson
) -> None:
    someone = await new_person()
    before = await stack.contents(pool)
    headers = cookie(someone) | {"Origin": "https://evil.example", "Authorization": authorization}
    async with stack.http.post(stack.url + "/api/matching/enqueue", headers=headers) as answer:
        await read_problem(answer, 403, "forbidden_origin")
    assert await stack.contents(pool) == before


async def test_our_own_page_acts_by_cookie(stack: Stack, new_person: NewPerson) -> None:
    someone = await new_person()
    for headers in ({}, {"Origin": stack.url}):
        url = stack.url + "/api/matching/heartbeat"
        async with stack.http.post(url, headers=cookie(someone) | headers) as answer:
            assert answer.status == 200


async def test_who_brings_the_token_itself_may_come_from_anywhere(
    stack: Stack, new_person: NewPerson
) -> None:
    someone = await new_person()
    for origin in foreign_origins(stack.url):
        headers = someone.headers | {"Origin": origin}
        async with stack.http.post(stack.url + "/api/matching/heartbeat", headers=headers) as answer:
            assert answer.status == 200


async def test_the_origin_of_the_app_url_is_our_own_too(
    stack: Stack, new_person: NewPerson, directory: Path
) -> None:
    someone = await new_person()
    async with stack.another_service(directory, NEXT_PUBLIC_APP_URL="https://party.example/") as service:
        url = service.url + "/api/matching/heartbeat"
        for origin, status in (("https://party.example", 200), ("http://party.example", 403)):
            async with stack.http.post(url, headers=cookie(someone) | {"Origin": origin}) as answer:
                assert answer.status == status
