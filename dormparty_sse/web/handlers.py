"""The handlers of sessions and actions: parse, call one service function, answer."""

from http import HTTPStatus
from typing import Any

import orjson
import structlog
from aiohttp import web

from dormparty_sse.domain.errors import Unauthenticated
from dormparty_sse.domain.models import UserRef
from dormparty_sse.domain.names import DEFAULT_POOL, new_id
from dormparty_sse.web.bodies import (
    BlockBody,
    Body,
    EnqueueBody,
    MatchBody,
    PoolBody,
    ReportBody,
    RoomBody,
    read_body,
    read_own_body,
)
from dormparty_sse.web.origins import check_origin, is_https
from dormparty_sse.web.parts import parts_of
from dormparty_sse.web.sessions import COOKIE, Session, session_token


def json_answer(data: Any, status: int = HTTPStatus.OK) -> web.Response:
    """A JSON answer that nobody may keep."""
    return web.Response(
        status=status,
        body=orjson.dumps(data),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def current_user(request: web.Request) -> UserRef:
    """Who is asking. Raises Unauthenticated, and ForbiddenOrigin where a foreign page asks by cookie."""
    check_origin(request)
    token = session_token(request)
    if not token:
        raise Unauthenticated
    user = parts_of(request).sessions.read(token).user
    structlog.contextvars.bind_contextvars(user_id=user.user_id)
    return user


async def create_session(request: web.Request) -> web.Response:
    """POST /api/session: who has no valid session gets a new user."""
    body = await read_body(request, PoolBody)
    session = _known_session(request)
    status = HTTPStatus.OK
    if session is None:
        user = UserRef(user_id=new_id(), pool=body.pool or DEFAULT_POOL)
        session, status = parts_of(request).sessions.sign(user), HTTPStatus.CREATED
    await parts_of(request).store.register(session.user)

    answer = json_answer(_session_view(session), status)
    same_site = parts_of(request).settings.session_cookie_same_site
    answer.set_cookie(
        COOKIE,
        session.token,
        max_age=parts_of(request).sessions.remaining_s(session),
        httponly=True,
        samesite=same_site,
        secure=is_https(request) or same_site == "None",
    )
    return answer


async def enqueue(request: web.Request) -> web.Response:
    """POST enqueue."""
    user = current_user(request)
    body = await read_own_body(request, EnqueueBody, user)
    return json_answer(await parts_of(request).actions.enqueue(user, body.interests))


async def skip(request: web.Request) -> web.Response:
    """POST skip."""
    user = current_user(request)
    body = await read_own_body(request, MatchBody, user)
    return json_answer(await parts_of(request).actions.skip(user, body.session_id))


async def end(request: web.Request) -> web.Response:
    """POST end."""
    user = current_user(request)
    body = await read_own_body(request, MatchBody, user)
    return json_answer(await parts_of(request).actions.end(user, body.session_id))


async def leave(request: web.Request) -> web.Response:
    """POST leave, also by sendBeacon."""
    user = current_user(request)
    body = await read_own_body(request, MatchBody, user)
    return json_answer(await parts_of(request).actions.leave(user, body.session_id))


async def heartbeat(request: web.Request) -> web.Response:
    """POST heartbeat."""
    user = current_user(request)
    await read_own_body(request, Body, user)
    return json_answer(await parts_of(request).actions.heartbeat(user))


async def room_close_ack(request: web.Request) -> web.Response:
    """POST room-close-ack."""
    user = current_user(request)
    body = await read_own_body(request, RoomBody, user)
    return json_answer(await parts_of(request).actions.acknowledge_room_closing(user, body.room_name))


async def block(request: web.Request) -> web.Response:
    """POST block."""
    user = current_user(request)
    body = await read_own_body(request, BlockBody, user)
    return json_answer(await parts_of(request).moderation.block(user, body.session_id))


async def report(request: web.Request) -> web.Response:
    """POST report."""
    user = current_user(request)
    body = await read_own_body(request, ReportBody, user)
    moderation = parts_of(request).moderation
    return json_answer(await moderation.report(user, body.session_id, body.reason, body.details))


async def check_match(request: web.Request) -> web.Response:
    """GET and POST check-match."""
    user = current_user(request)
    await read_own_body(request, MatchBody, user)
    return json_answer(await parts_of(request).actions.check_match(user))


async def check_disconnect(request: web.Request) -> web.Response:
    """GET and POST check-disconnect."""
    user = current_user(request)
    body = await read_own_body(request, MatchBody, user)
    return json_answer(await parts_of(request).actions.check_disconnect(user, body.session_id))


async def status(request: web.Request) -> web.Response:
    """GET status."""
    user = current_user(request)
    await read_own_body(request, Body, user)
    return json_answer(await parts_of(request).actions.status(user))


def _known_session(request: web.Request) -> Session | None:
    token = session_token(request)
    try:
        return parts_of(request).sessions.read(token) if token else None
    except Unauthenticated:
        return None


def _session_view(session: Session) -> dict[str, Any]:
    return {
        "userId": session.user.user_id,
        "pool": session.user.pool,
        "token": session.token,
        "expiresAt": session.expires_at,
    }
