"""Reading problem answers, each of which must be complete."""

from typing import Any

import aiohttp

from tests.support.described import assert_described

_MEMBERS = {"type", "title", "status", "detail", "code", "requestId"}


async def read_problem(answer: aiohttp.ClientResponse, status: int, code: str) -> dict[str, Any]:
    """The problem in an answer, which must be this one and have all that a problem has."""
    assert answer.content_type == "application/problem+json", answer  # else it may be a stream, without end
    text = await answer.text()
    assert answer.status == status, text
    problem: dict[str, Any] = await answer.json(content_type=None)
    assert problem.keys() >= _MEMBERS
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["title"]
    assert problem["detail"]
    assert problem["requestId"] == answer.headers["X-Request-Id"]
    assert "Traceback" not in text
    assert_described(answer.method, answer.url.raw_path, status, problem)
    return problem
