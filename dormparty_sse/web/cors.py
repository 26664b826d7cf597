"""Pages of other origins that the settings allow (the Fetch standard, "HTTP-CORS protocol").

The answers say so themselves, errors and streams too, since they get these headers as they are sent.
"""

from collections.abc import Awaitable, Callable, Collection

from aiohttp import hdrs, web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
OnPrepare = Callable[[web.Request, web.StreamResponse], Awaitable[None]]

_PREFLIGHT = {
    hdrs.ACCESS_CONTROL_ALLOW_METHODS: "DELETE, GET, POST",
    hdrs.ACCESS_CONTROL_ALLOW_HEADERS: "Authorization, Content-Type, Last-Event-ID, X-Request-Id",
    hdrs.ACCESS_CONTROL_MAX_AGE: "7200",  # seconds; no browser keeps it for longer
}
_EXPOSED = "RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"


@web.middleware
async def preflights(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers what browsers ask before they let a page send a request. Of strangers it allows nothing."""
    is_preflight = (
        request.method == hdrs.METH_OPTIONS
        and hdrs.ORIGIN in request.headers
        and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
    )
    if not is_preflight:
        return await handler(request)
    return web.Response(status=204)


def allow(origins: Collection[str]) -> OnPrepare:
    """Signal handler: tells the browser whether the page that asks may see the answer."""

    async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
        if not origins:
            return
        headers = response.headers
        headers.add(hdrs.VARY, hdrs.ORIGIN)
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is None or origin not in origins:
            return
        headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
        headers[hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS] = "true"
        headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = _EXPOSED
        if request.method == hdrs.METH_OPTIONS:
            headers.update(_PREFLIGHT)

    return add_headers
