"""Whatever a client sends as a body or a query, it gets the contract's answer, and no state changes."""

import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.conftest import NewPerson
from tests.support.problems import read_problem
from tests.support.raw import send_raw
from tests.support.stack import Stack

LIMIT = 16 * 1024

NOT_JSON = {
    "words": b"interests=music",
    "half an object": b'{"interests": [',
    "two objects": b"{}{}",
    "a list": b"[]",
    "a string": b'"enqueue"',
    "null": b"null",
    "a number": b"1",
    "invalid UTF-8": b'{"sessionId": "\xff\xfe"}',
    "UTF-16": "{}".encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "NUL bytes": b"\x00\x00\x00",
    "NUL in a string": b'{"sessionId": "a\x00b"}',
    "a lone surrogate": b'{"interests": ["\\ud800"], "sessionId": "\\udfff"}',
    "nested beyond reason": b'{"interests": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    "a number beyond reason": b'{"sessionId": 1e999}',
    "digits beyond reason": b'{"sessionId": ' + b"9" * 5_000 + b"}",
    "not a number": b'{"sessionId": NaN}',
}

#: (action, body, the field that is wrong)
WRONG_TYPES: list[tuple[str, dict[str, Any], str]] = [
    ("enqueue", {"interests": "music"}, "interests"),
    ("enqueue", {"interests": {"0": "music"}}, "interests"),
    ("enqueue", {"interests": None}, "interests"),
    ("enqueue", {"interests": [1]}, "interests.0"),
    ("enqueue", {"interests": ["music", None]}, "interests.1"),
    ("enqueue", {"interests": [["music"]]}, "interests.0"),
    ("enqueue", {"interests": [" "]}, "interests.0"),
    ("enqueue", {"interests": ["x" * 41]}, "interests.0"),
    ("enqueue", {"interests": ["music"] * 21}, "interests"),
    ("enqueue", {"userId": 1}, "userId"),
    ("enqueue", {"userId": ""}, "userId"),
    ("skip", {"sessionId": 1}, "sessionId"),
    ("skip", {"sessionId": True}, "sessionId"),
    ("skip", {"sessionId": ["a"]}, "sessionId"),
    ("end", {"sessionId": {}}, "sessionId"),
    ("end", {"sessionId": ""}, "sessionId"),
    ("end", {"sessionId": "x" * 129}, "sessionId"),
    ("room-close-ack", {}, "roomName"),
    ("room-close-ack", {"roomName": None}, "roomName"),
    ("room-close-ack", {"roomName": 1.5}, "roomName"),
    ("check-match", {"sessionId": 1}, "sessionId"),
    ("check-disconnect", {"sessionId": []}, "sessionId"),
]

HARMLESS: list[bytes] = [
    b"",
    b" \r\n",
    b"{}",
    b'{"__proto__": {"userId": "x"}, "constructor": {"prototype": {}}, "unknown": 1}',
    b'{"unknown": ' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"sessionId": null, "userId": null}',
]

POOLS: list[Any] = [
    "",
    "Main",
    "a b",
    "pool!",
    "x" * 33,
    "main\n",
    "caf\u00e9",
    "{main}",
    "a:b",
    1,
    ["main"],
    {},
]


async def chunks(body: bytes) -> AsyncIterator[bytes]:
    """A body of unannounced length."""
    for start in range(0, len(body), 4096):
        yield body[start : start + 4096]


@pytest.mark.parametrize("kind", NOT_JSON)
@pytest.mark.parametrize("action", ["enqueue", "skip", "end", "leave", "heartbeat", "room-close-ack"])
async def test_what_is_no_json_object_is_refused(
    action: str, kind: str, stack: Stack, pool: str, new_person: NewPerson
) -> None:
    someone = await new_person()
    before = await stack.contents(pool)
    url = f"{stack.url}/api/matching/{action}"
    async with stack.http.post(url, data=NOT_JSON[kind], headers=someone.headers) as answer:
        await read_problem(answer, 400, "invalid_request")
    assert await stack.contents(pool) == before


@pytest.mark.parametrize(("action", "body", "field"), WRONG_TYPES)
async def test_a_wrong_type_is_refused_by_name(
    action: str, body: dict[str, Any], field: str, stack: Stack, pool: str, new_person: NewPerson
) -> None:
    someone = await new_person()
    before = await stack.contents(pool)
    url = f"{stack.url}/api/matching/{action}"
    async with stack.http.post(url, json=body, headers=someone.headers) as answer:
        problem = await read_problem(answer, 422, "invalid_request")
    assert [error["field"] for error in problem["errors"]] == [field]
    assert problem["errors"][0]["message"]
    assert await stack.contents(pool) == before


@pytest.mark.parametrize("query", [{"sessionId": ""}, {"sessionId": "x" * 129}, {"userId": ""}])
async def test_a_wrong_query_is_refused_by_name(
    query: dict[str, str], stack: Stack, pool: str, new_person: NewPerson
) -> None:
    someone = await new_person()
    before = await stack.contents(pool)
    for path in ("/api/matching/check-disconnect", "/api/check-match", "/api/simple-matching/check-match"):
        async with stack.http.get(stack.url + path, params=query, headers=someone.headers) as answer:
            problem = await read_problem(answer, 422, "invalid_request")
            assert [error["field"] for error in problem["errors"]] == list(query)
    assert await stack.contents(pool) == before


async def test_a_query_that_is_no_text_does_no_harm(stack: Stack, new_person: NewPerson) -> None:
    someone = await new_person()
    credentials = b"Authorization: Bearer " + someone.token.encode()
    for query in ("sessionId=%ED%A0%80", "sessionId=%FF", "sessionId=%00", "&&=&;%%", "sessionId[]=a"):
        status, answer = await send_raw(stack.url, f"GET /api/matching/check-match?{query}", credentials)
        assert (status, answer["matched"]) == (200, False)


@pytest.mark.parametrize("body", HARMLESS)
async def test_what_nobody_asked_for_is_ignored(body: bytes, stack: Stack, new_person: NewPerson) -> None:
    someone = await new_person()
    for content_type in ("application/json", "text/plain;charset=UTF-8"):
        headers = someone.headers | {"Content-Type": content_type}
        url = stack.url + "/api/matching/enqueue"
        async with stack.http.post(url, data=body, headers=headers) as answer:
            assert (answer.status, (await answer.json())["state"]) == (200, "WAITING")
        url = stack.url + "/api/matching/leave"
        async with stack.http.post(url, data=body, headers=headers) as answer:
            assert (answer.status, (await answer.json())["outcome"]) == (200, "cancelled")


async def test_a_session_id_of_any_characters_is_merely_unknown(
    stack: Stack, pool: str, new_person: NewPerson
) -> None:
    someone = await new_person()
    before = await stack.contents(pool)
    for session_id in ("a\u0000b", "a\nb", "*", "{}[]%s", "\u202e", "../x", f"{{{pool}}}"):
        answer = await someone.post("skip", sessionId=session_id)
        assert answer["outcome"] == "already-processed"
    assert await stack.contents(pool) == before


@pytest.mark.parametrize("given", POOLS)
async def test_a_pool_that_cannot_be_named_so_is_refused(given: Any, stack: Stack) -> None:
    pools = await stack.redis.smembers("dormparty:pools")
    async with stack.http.post(stack.url + "/api/session", json={"pool": given}) as answer:
        problem = await read_problem(answer, 422, "invalid_request")
        assert "Set-Cookie" not in answer.headers
    assert [error["field"] for error in problem["errors"]] == ["pool"]
    assert await stack.redis.smembers("dormparty:pools") == pools


def filled(size: int) -> bytes:
    """A JSON object of so many bytes."""
    empty = json.dumps({"unknown": ""}).encode()
    return json.dumps({"unknown": "x" * (size - len(empty))}).encode()


@pytest.mark.parametrize("size", [LIMIT + 1, 200_000, 1_000_000])
async def test_a_body_over_16_kib_is_refused(
    size: int, stack: Stack, pool: str, new_person: NewPerson
) -> None:
    someone = await new_person()
    before = await stack.contents(pool)
    for path in ("/api/session", "/api/matching/enqueue"):
        for data in (filled(size), chunks(filled(size))):
            async with stack.http.post(stack.url + path, data=data, headers=someone.headers) as answer:
                await read_problem(answer, 413, "payload_too_large")
    assert await stack.contents(pool) == before


async def test_a_packed_body_is_not_unpacked(stack: Stack, new_person: NewPerson) -> None:
    someone = await new_person()
    bomb = gzip.compress(filled(10_000_000))
    assert len(bomb) < LIMIT
    headers = someone.headers | {"Content-Encoding": "gzip"}
    async with stack.http.post(stack.url + "/api/matching/enqueue", data=bomb, headers=headers) as answer:
        await read_problem(answer, 400, "invalid_request")


async def test_a_body_of_16_kib_is_taken(stack: Stack, new_person: NewPerson) -> None:
    someone = await new_person()
    for data in (filled(LIMIT), chunks(filled(LIMIT))):
        url = stack.url + "/api/matching/heartbeat"
        async with stack.http.post(url, data=data, headers=someone.headers) as answer:
            assert answer.status == 200


async def test_a_body_that_is_not_packed_as_it_says_is_refused(stack: Stack, new_person: NewPerson) -> None:
    someone = await new_person()
    credentials = b"Authorization: Bearer " + someone.token.encode()
    for encoding in (b"gzip", b"deflate"):
        headers = (credentials, b"Content-Encoding: " + encoding, b"Content-Length: 10")
        status, problem = await send_raw(
            stack.url, "POST /api/matching/enqueue", *headers, body=b"not packed"
        )
        assert (status, problem["code"]) == (400, "invalid_request")


async def test_interests_of_any_script_and_with_any_character_are_kept(new_person: NewPerson) -> None:
    someone, other = await new_person(), await new_person()
    interests = [
        "\U0001f3b8 gitarre",
        "nul\u0000byte",
        "\u202eabc",
        '"quotes\\"',
        "\u0e14\u0e19\u0e15\u0e23\u0e35",
    ]
    await someone.listen()
    await someone.post("enqueue", interests=interests)
    await other.post("enqueue", interests=[*reversed(interests), "chess"])
    match = await someone.event("new-match")
    assert sorted(match["commonInterests"]) == sorted(interests)
    await someone.post("end")
    await other.post("end")
