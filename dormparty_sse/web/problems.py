"""The one way errors are told: RFC 9457 problem answers."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

from dormparty_sse.domain.errors import DormPartyError, HeadersTooLarge, TryLater, UriTooLong

#: What aiohttp itself refuses.
_HTTP_CODES = {
    HTTPStatus.BAD_REQUEST: "invalid_request",
    HTTPStatus.UNAUTHORIZED: "unauthenticated",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "payload_too_large",
    HTTPStatus.REQUEST_URI_TOO_LONG: UriTooLong.code,
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: HeadersTooLarge.code,
}


def problem(error: DormPartyError, request_id: str) -> web.Response:
    """The answer for one of our errors."""
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, TryLater) else {}
    return _problem(error.status, error.code, error.detail, request_id, error.extra, headers)


def http_problem(error: web.HTTPException, request_id: str) -> web.Response:
    """The answer for an error that aiohttp raised."""
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return _http_problem(HTTPStatus(error.status), request_id, headers)


def head_problem(status: HTTPStatus, request_id: str) -> web.Response:
    """The answer for what has not become a request. It has an id, and nobody else adds headers to it."""
    headers = {"X-Request-Id": request_id, "X-Content-Type-Options": "nosniff"}
    return _http_problem(status, request_id, headers)


def internal_problem(request_id: str) -> web.Response:
    """The answer for what nobody expected. The log has the story; the client gets the id to ask for it."""
    return _problem(500, "internal", "Something went wrong on our side.", request_id, {}, {})


def _http_problem(status: HTTPStatus, request_id: str, headers: Mapping[str, str]) -> web.Response:
    code = _HTTP_CODES.get(status, "invalid_request")
    return _problem(status, code, status.description or status.phrase, request_id, {}, headers)


def _problem(
    status: int, code: str, detail: str, request_id: str, extra: Mapping[str, Any], headers: Mapping[str, str]
) -> web.Response:
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "requestId": request_id,
        **extra,
    }
    return web.Response(
        status=status, body=orjson.dumps(body), content_type="application/problem+json", headers=headers
    )
