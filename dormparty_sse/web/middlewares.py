"""What happens to every request: an id, a log line, problem answers, the origin check, security headers."""

import re
import secrets
import time
from collections.abc import Awaitable, Callable
from functools import cache
from urllib.parse import urlsplit

import structlog
from aiohttp import HttpVersion10, web

from dormparty_sse.domain.errors import DormPartyError, NotJson
from dormparty_sse.web.origins import check_origin, is_https, origin_of
from dormparty_sse.web.parts import PARTS
from dormparty_sse.web.problems import http_problem, internal_problem, problem

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_SAFE = ("GET", "HEAD", "OPTIONS")
_HSTS = "max-age=31536000"  # seconds: a year
_GONE = 499  # the client went away, or was sent away; nginx's word for it

REQUEST_ID = web.RequestKey("request_id", str)
_SANE_REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
_HOST = re.compile(r"([\w.-]{1,255}|\[[\da-fA-F:.]{2,45}\])(:\d{1,5})?", re.ASCII)


@web.middleware
async def request_log(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Gives the request its id and logs one line when it is done."""
    given = request.headers.get("X-Request-Id", "")
    request_id = given if _SANE_REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
    request[REQUEST_ID] = request_id
    started = time.perf_counter()
    status = _GONE
    with structlog.contextvars.bound_contextvars(request_id=request_id):
        try:
            response = await handler(request)
            status = response.status
            return response
        finally:
            log.info(
                "request",
                method=request.method,
                route=_route(request),
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )
            structlog.contextvars.unbind_contextvars("user_id")


@web.middleware
async def problem_answers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns every error into a problem answer."""
    try:
        return await handler(request)
    except DormPartyError as error:
        if error.code == DormPartyError.code:
            log.exception("request_failed", route=_route(request))
        return problem(error, request[REQUEST_ID])
    except web.HTTPException as error:
        if error.status < 400:  # noqa: PLR2004  # a redirect is no error
            raise
        return http_problem(error, request[REQUEST_ID])
    except web.RequestPayloadError:  # it is not in chunks as it says
        return problem(NotJson("The body cannot be read."), request[REQUEST_ID])
    except ConnectionResetError:  # it would be logged as an error of ours
        return web.Response(status=_GONE)
    except Exception:
        log.exception("request_crashed", route=_route(request))
        return internal_problem(request[REQUEST_ID])


@web.middleware
async def host_check(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Raises HTTPBadRequest for what a server on the way may read otherwise (RFC 9112, 3.2).

    That is a request without a Host, with two, or with one that is no host; and one of before HTTP/1.0.
    """
    hosts = request.headers.getall("Host", [])
    has_one = len(hosts) == 1 and _HOST.fullmatch(hosts[0])
    may_have_none = request.version == HttpVersion10 and not hosts
    if not (has_one or may_have_none) or request.version < HttpVersion10:
        raise web.HTTPBadRequest
    return await handler(request)


@web.middleware
async def origin_check(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Raises ForbiddenOrigin where a page of another origin lets a browser's cookie change anything.

    What a GET tells, and does, by cookie: see `current_user`.
    """
    if request.method not in _SAFE:
        check_origin(request)
    return await handler(request)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Signal handler: what every answer carries, streams included."""
    response.headers.setdefault("X-Request-Id", request.get(REQUEST_ID, ""))
    response.headers.update(
        {
            "Content-Security-Policy": _content_security_policy(
                request.app[PARTS].settings.browser_livekit_url
            ),
            "Permissions-Policy": "camera=(self), microphone=(self), geolocation=()",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
    )
    if is_https(request):
        response.headers["Strict-Transport-Security"] = _HSTS
    if request.path in ("/", "/docs") or request.path.startswith("/static/"):
        response.headers["Cache-Control"] = "no-cache"  # asked again each time, answered 304


async def close_when_draining(request: web.Request, response: web.StreamResponse) -> None:
    """Signal handler: whoever asks a process that stops asks another one next."""
    if request.app[PARTS].hub.is_draining:
        response.headers["Connection"] = "close"
        response.force_close()


@cache
def _content_security_policy(livekit_url: str) -> str:
    livekit = urlsplit(livekit_url)
    plain = livekit._replace(scheme=livekit.scheme.replace("ws", "http"))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "media-src 'self' blob: mediastream:; worker-src 'self'; manifest-src 'self'; "
        f"connect-src 'self' {origin_of(livekit.geturl())} {origin_of(plain.geturl())}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else "unknown"
