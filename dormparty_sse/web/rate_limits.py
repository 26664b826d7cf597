"""Rate limits, as HTTP knows them: which requests count as what, the headers that tell, the refusals.

LiveKit's webhooks are exempt, as a refused one would come late; so is /healthz, as a process must not be
restarted for being asked often, and its answer costs nothing. /readyz and /metrics do ask Redis and LiveKit.
"""

from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from functools import partial

from aiohttp import web
from aiohttp.typedefs import Handler

from dormparty_sse.domain.errors import RateLimited, Unauthenticated
from dormparty_sse.store.rate_counts import Standing
from dormparty_sse.web.parts import parts_of
from dormparty_sse.web.sessions import session_token

_EXEMPT = {"/api/livekit/webhooks", "/healthz"}
_GROUPS = {
    "/api/session": "session",
    "/api/matching/block": "safety",
    "/api/matching/report": "safety",
    "/api/matching/events": "streams",
    "/api/sse": "streams",
    "/api/sync-room-states": "admin",
    "/readyz": "operators",
    "/metrics": "operators",
}
_QUESTIONS = {"check-match", "check-disconnect", "status"}
_TOO_MANY_STREAMS_S = 10

# Not kept in the request, as what a proxy forwards is another one by the time it is counted.
_standings: ContextVar[Sequence[Standing]] = ContextVar("standings", default=())


@web.middleware
async def rate_limited(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Raises RateLimited for whoever asks too often."""
    if group := _group(request):
        await _count(request, group, _user_id(request))
    return await handler(request)


async def count_wrong_admin_token(request: web.Request) -> None:
    """Raises RateLimited where too many came from this address. Who has the right one never notices."""
    await _count(request, "admin_login", None)


async def count_new_session(request: web.Request) -> None:
    """Raises RateLimited where too many were made from this address."""
    await _count(request, "new_session", None)


def enter_stream(request: web.Request) -> Callable[[], None]:
    """Counts one more stream from the client's address; to be called when it is over. Raises RateLimited."""
    streams, address = parts_of(request).streams_at_once, request.remote or ""
    if not streams.enter(address):
        detail = "Too many streams are open from this address."
        raise RateLimited(detail, retry_after_s=_TOO_MANY_STREAMS_S)
    return partial(streams.leave, address)


async def add_rate_limit_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Signal handler: where the counts stand (draft-ietf-httpapi-ratelimit-headers-10)."""
    if standings := _standings.get():
        response.headers["RateLimit-Policy"] = _list(f"q={s.amount};w={s.window_s}" for s in standings)
        response.headers["RateLimit"] = _list(f"r={s.remaining};t={s.next_s}" for s in standings)


def _list(parameters: Iterable[str]) -> str:
    named = zip(_standings.get(), parameters, strict=True)
    return ", ".join(f'"{standing.name}";{text}' for standing, text in named)


async def _count(request: web.Request, group: str, user_id: str | None) -> None:
    rate_limits = parts_of(request).rate_limits
    standings, refused = await rate_limits.hit(group, address=request.remote or "", user_id=user_id)
    _standings.set((*_standings.get(), *standings))
    if refused:
        raise refused


def _group(request: web.Request) -> str | None:
    """What a request counts as; None: not at all."""
    resource = request.match_info.route.resource
    path = resource.canonical if resource else request.path
    if path in _EXEMPT and resource:
        return None
    if group := _GROUPS.get(path):
        return group
    if path.startswith("/api/admin/"):
        return "admin"
    if not path.startswith("/api/"):
        return "pages"
    asks = request.method in ("GET", "HEAD") or path.rpartition("/")[2] in _QUESTIONS
    return "questions" if asks else "actions"


def _user_id(request: web.Request) -> str | None:
    token = session_token(request)
    try:
        return parts_of(request).sessions.read(token).user.user_id if token else None
    except Unauthenticated:
        return None
