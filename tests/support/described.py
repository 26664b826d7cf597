"""Is an answer what the schema says of it? Members that the schema does not know count as a fault here."""

import re
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from dormparty_sse.web.operations import JSON, Route, errors_of
from dormparty_sse.web.routes import ROUTES
from dormparty_sse.web.schema import problem_model


def assert_described(method: str, url: str, status: int, data: Any) -> None:
    """The JSON is of a model that the route names for the status. What is no route of ours is not judged."""
    route = _route_of(method, urlsplit(url).path)
    if route is None:
        return
    models = [
        reply.model
        for reply in route.operation.replies
        if reply.status == status and reply.content_type == JSON and reply.model
    ]
    if models:
        models[0].model_validate(data, extra="forbid")
        return
    errors = [error for error in errors_of(route) if (error.status, error.code) == (status, data["code"])]
    assert errors, f"{method} {url} does not say that it may answer {status} {data}"
    problem_model(errors[0]).model_validate(data, extra="forbid")


@cache
def _patterns() -> list[tuple[str, re.Pattern[str], Route]]:
    return [
        (route.method, re.compile(re.sub(r"{\w+}", "[^/]+", path)), route)
        for route in ROUTES
        for path in route.paths
    ]


def _route_of(method: str, path: str) -> Route | None:
    found = (route for known, pattern, route in _patterns() if known == method and pattern.fullmatch(path))
    return next(found, None)
