"""Every URL of the service, on this page and, of operators, in admin_routes.py."""

from aiohttp import web

from dormparty_sse.domain.errors import (
    BadSignature,
    Banned,
    Barred,
    ChallengeFailed,
    ChallengeRequired,
    Forbidden,
    InvalidState,
    SkipCooldown,
    Unavailable,
    UnknownSession,
)
from dormparty_sse.web import handlers, operators, pages, schema, stream, webhooks
from dormparty_sse.web.admin import for_operators
from dormparty_sse.web.admin_answers import AliveAnswer, ReadyAnswer, SchemaAnswer
from dormparty_sse.web.admin_routes import ADMIN_ROUTES
from dormparty_sse.web.answers import (
    ChallengeAnswer,
    DisconnectAnswer,
    EmptyAnswer,
    EnqueueAnswer,
    HeartbeatAnswer,
    MatchAnswer,
    OutcomeAnswer,
    ReportAnswer,
    SessionAnswer,
    SkipAnswer,
    StatusAnswer,
)
from dormparty_sse.web.bodies import BlockBody, EnqueueBody, MatchBody, ReportBody, RoomBody, SessionBody
from dormparty_sse.web.events import PollAnswer, StreamItem
from dormparty_sse.web.operations import EVENT_STREAM, Access, Operation, Reply, Route


def _matching(name: str) -> tuple[str, ...]:
    return (f"/api/matching/{name}",)


def _both(name: str) -> tuple[str, ...]:
    return (f"/api/matching/{name}", f"/api/simple-matching/{name}")


_SKIP = Operation(
    summary="Leave this match for another",
    takes=MatchBody,
    answer=SkipAnswer,
    problems=(InvalidState, Forbidden, SkipCooldown),
)
_END = Operation(
    summary="Go home, from the match or the queue",
    takes=MatchBody,
    answer=OutcomeAnswer,
    problems=(InvalidState, Forbidden),
)
_LEAVE = Operation(
    summary="Go home, by sendBeacon as the page is closed",
    takes=MatchBody,
    answer=OutcomeAnswer,
    problems=(InvalidState, Forbidden),
)
_CHECK_MATCH = Operation(summary="Is there a match?", takes=MatchBody, answer=MatchAnswer)
_CHECK_DISCONNECT = Operation(summary="Was the match ended?", takes=MatchBody, answer=DisconnectAnswer)

_PEOPLE = (
    Route(
        "POST",
        ("/api/session",),
        handlers.create_session,
        Operation(
            summary="Become a user, or find out who one is",
            access=Access.MAYBE_SESSION,
            takes=SessionBody,
            answer=SessionAnswer,
            further=(Reply(SessionAnswer, 201),),
            problems=(Banned, ChallengeRequired, ChallengeFailed, Unavailable),
        ),
    ),
    Route(
        "DELETE",
        ("/api/session",),
        handlers.delete_session,
        Operation(summary="Sign out, everywhere", answer=None, further=(Reply(None, 204),)),
    ),
    Route(
        "GET",
        ("/api/session/challenge",),
        handlers.challenge,
        Operation(
            summary="What a new session takes",
            access=Access.ANYBODY,
            takes=None,
            answer=ChallengeAnswer,
            needs_state=False,
        ),
    ),
    Route(
        "POST",
        _both("enqueue"),
        handlers.enqueue,
        Operation(
            summary="Join the queue",
            takes=EnqueueBody,
            answer=EnqueueAnswer,
            problems=(InvalidState, Barred),
        ),
    ),
    Route("POST", _both("skip"), handlers.skip, _SKIP),
    Route("POST", _both("end"), handlers.end, _END),
    Route("POST", _matching("leave"), handlers.leave, _LEAVE),
    Route(
        "POST",
        _both("heartbeat"),
        handlers.heartbeat,
        Operation(summary="Say that one is still here", answer=HeartbeatAnswer),
    ),
    Route(
        "POST",
        _matching("room-close-ack"),
        handlers.room_close_ack,
        Operation(
            summary="Say that one is out of the room",
            takes=RoomBody,
            answer=OutcomeAnswer,
            problems=(InvalidState, Forbidden),
        ),
    ),
    Route(
        "POST",
        _matching("block"),
        handlers.block,
        Operation(
            summary="Never meet that partner again",
            takes=BlockBody,
            answer=OutcomeAnswer,
            problems=(Forbidden, UnknownSession),
        ),
    ),
    Route(
        "POST",
        _matching("report"),
        handlers.report,
        Operation(
            summary="Tell the moderators of that partner, block it and go home",
            takes=ReportBody,
            answer=ReportAnswer,
            problems=(Forbidden, UnknownSession),
        ),
    ),
    Route("GET", (*_both("check-match"), "/api/check-match"), handlers.check_match, _CHECK_MATCH),
    Route("POST", _both("check-match"), handlers.check_match, _CHECK_MATCH),
    Route("GET", _both("check-disconnect"), handlers.check_disconnect, _CHECK_DISCONNECT),
    Route("POST", _both("check-disconnect"), handlers.check_disconnect, _CHECK_DISCONNECT),
    Route(
        "GET",
        _matching("status"),
        handlers.status,
        Operation(summary="Where one stands", answer=StatusAnswer),
    ),
    Route(
        "GET",
        ("/api/matching/events", "/api/sse"),
        stream.events,
        Operation(
            summary="The events, as a stream or, with poll=1, one answer at a time",
            takes=stream.EventsQuery,
            headers=("Last-Event-ID",),
            answer=PollAnswer,
            further=(Reply(StreamItem, content_type=EVENT_STREAM),),
        ),
        allows_head=False,  # it would supersede the real stream
    ),
)

_MACHINES = (
    Route(
        "POST",
        ("/api/livekit/webhooks",),
        webhooks.receive,
        Operation(
            summary="What LiveKit tells",
            access=Access.LIVEKIT,
            takes=None,
            takes_anything=True,
            answer=EmptyAnswer,
            problems=(BadSignature,),
            is_limited=False,
        ),
    ),
    Route(
        "GET",
        ("/healthz",),
        operators.healthz,
        Operation(
            summary="Is this process alive?",
            access=Access.ANYBODY,
            takes=None,
            answer=AliveAnswer,
            needs_state=False,
        ),
    ),
    Route(
        "GET",
        ("/readyz",),
        operators.readyz,
        Operation(
            summary="Do Redis and LiveKit answer?",
            access=Access.ANYBODY,
            takes=None,
            answer=ReadyAnswer,
            further=(Reply(ReadyAnswer, 503),),
            needs_state=False,
        ),
    ),
    Route(
        "GET",
        ("/metrics",),
        operators.metrics,
        Operation(
            summary="Metrics, for Prometheus",
            access=Access.ANYBODY,
            takes=None,
            answer=None,
            further=(Reply(None, content_type="text/plain"),),
            needs_state=False,
        ),
    ),
    Route(
        "GET",
        ("/api/openapi.json",),
        schema.openapi,
        Operation(
            summary="This document",
            access=Access.ANYBODY,
            takes=None,
            answer=SchemaAnswer,
            needs_state=False,
        ),
    ),
)

#: Everything but the pages and their files.
ROUTES: tuple[Route, ...] = _PEOPLE + _MACHINES + ADMIN_ROUTES


def add_routes(app: web.Application) -> None:
    """Registers all routes."""
    for route in ROUTES:
        is_admins = route.operation.access is Access.ADMIN
        handler = for_operators(route.handler) if is_admins else route.handler
        for path in route.paths:
            if route.method == "GET":
                app.router.add_get(path, handler, allow_head=route.allows_head)
            else:
                app.router.add_route(route.method, path, handler)
    app[schema.ROUTES] = ROUTES
    app.router.add_get("/", pages.index)
    app.router.add_get("/docs", pages.docs)
    app.router.add_get(r"/static/{path:[A-Za-z0-9_./-]{1,200}}", pages.asset)
