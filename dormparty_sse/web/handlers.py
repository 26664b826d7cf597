"""The handlers of sessions and actions: parse, call one service function, answer."""

from http import HTTPStatus
from typing import Any

import orjson
import structlog
from aiohttp import web

from dormparty_sse.domain.errors import InvalidRequest, Unauthenticated
from dormparty_sse.domain.models import Session, UserRef
from dormparty_sse.domain.names import DEFAULT_POOL, new_id
from dormparty_sse.web.bodies import (
    BlockBody,
    Body,
    EnqueueBody,
    MatchBody,
    ReportBody,
    RoomBody,
    SessionBody,
    read_body,
    read_own_body,
)
from dormparty_sse.web.cookies import clear_session, device_of, renew_with_answer, set_cookies
from dormparty_sse.web.origins import check_origin
from dormparty_sse.web.parts import parts_of
from dormparty_sse.web.rate_limits import count_new_session
from dormparty_sse.web.sessions import session_token, uses_cookie


def json_answer(data: Any, status: int = HTTPStatus.OK) -> web.Response:
    """A JSON answer that nobody may keep."""
    return web.Response(
        status=status,
        body=orjson.dumps(data),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


async def current_user(request: web.Request) -> UserRef:
    """Who is asking; a browser may get a renewed session.

    Raises Unauthenticated, Barred, StateAway, and ForbiddenOrigin where a foreign page asks by cookie.
    """
    check_origin(request)
    session, renewed = await _current_session(request)
    structlog.contextvars.bind_contextvars(user_id=session.user.user_id)
    if renewed and uses_cookie(request):
        renew_with_answer(renewed)
    return session.user


async def create_session(request: web.Request) -> web.Response:
    """POST /api/session: who has no valid session gets a new user; an ageing session gets a fresh token."""
    body = await read_body(request, SessionBody)
    parts = parts_of(request)
    session, status = await _known_session(request), HTTPStatus.OK
    if session is None:
        await count_new_session(request)
        user = UserRef(user_id=new_id(), pool=_open_pool(request, body.pool or DEFAULT_POOL))
        await parts.gate.require(body.gate_answer)
        session, status = parts.sessions.sign(user, device_of(request)), HTTPStatus.CREATED
    await parts.moderation.check_device(session.device)
    await parts.store.register(session.user, session.device)
    await parts.moderation.admit(session.user, session.device)
    answer = json_answer(
        {
            "userId": session.user.user_id,
            "pool": session.user.pool,
            "token": session.token,
            "expiresAt": session.expires_at,
            "renewAfterSeconds": parts.sessions.renew_after_s(session),
        },
        status,
    )
    set_cookies(request, answer, session)
    return answer


def _open_pool(request: web.Request, pool: str) -> str:
    pools = parts_of(request).settings.open_pools
    if pools and pool not in pools:
        raise InvalidRequest.of("pool", "There is no such pool.")
    return pool


async def challenge(request: web.Request) -> web.Response:
    """GET /api/session/challenge: what a new session takes."""
    return json_answer(parts_of(request).gate.challenge())


async def delete_session(request: web.Request) -> web.Response:
    """DELETE /api/session: signs the user out, wherever it is signed in."""
    session, _ = await _current_session(request)
    await read_own_body(request, Body, session.user)
    await parts_of(request).standing.sign_out(session)
    answer = web.Response(status=HTTPStatus.NO_CONTENT, headers={"Cache-Control": "no-store"})
    clear_session(request, answer)
    return answer


async def enqueue(request: web.Request) -> web.Response:
    """POST enqueue."""
    user = await current_user(request)
    body = await read_own_body(request, EnqueueBody, user)
    return json_answer(await parts_of(request).actions.enqueue(user, body.interests))


async def skip(request: web.Request) -> web.Response:
    """POST skip."""
    user = await current_user(request)
    body = await read_own_body(request, MatchBody, user)
    return json_answer(await parts_of(request).actions.skip(user, body.session_id))


async def end(request: web.Request) -> web.Response:
    """POST end."""
    user = await current_user(request)
    body = await read_own_body(request, MatchBody, user)
    return json_answer(await parts_of(request).actions.end(user, body.session_id))


async def leave(request: web.Request) -> web.Response:
    """POST leave, also by sendBeacon."""
    user = await current_user(request)
    body = await read_own_body(request, MatchBody, user)
    return json_answer(await parts_of(request).actions.leave(user, body.session_id))


async def heartbeat(request: web.Request) -> web.Response:
    """POST heartbeat."""
    user = await current_user(request)
    await read_own_body(request, Body, user)
    return json_answer(await parts_of(request).actions.heartbeat(user))


async def room_close_ack(request: web.Request) -> web.Response:
    """POST room-close-ack."""
    user = await current_user(request)
    body = await read_own_body(request, RoomBody, user)
    return json_answer(await parts_of(request).actions.acknowledge_room_closing(user, body.room_name))


async def block(request: web.Request) -> web.Response:
    """POST block."""
    user = await current_user(request)
    body = await read_own_body(request, BlockBody, user)
    return json_answer(await parts_of(request).moderation.block(user, body.session_id))


async def report(request: web.Request) -> web.Response:
    """POST report."""
    user = await current_user(request)
    body = await read_own_body(request, ReportBody, user)
    moderation = parts_of(request).moderation
    return json_answer(await moderation.report(user, body.session_id, body.reason, body.details))


async def check_match(request: web.Request) -> web.Response:
    """GET and POST check-match."""
    user = await current_user(request)
    await read_own_body(request, MatchBody, user)
    return json_answer(await parts_of(request).actions.check_match(user))


async def check_disconnect(request: web.Request) -> web.Response:
    """GET and POST check-disconnect."""
    user = await current_user(request)
    body = await read_own_body(request, MatchBody, user)
    return json_answer(await parts_of(request).actions.check_disconnect(user, body.session_id))


async def status(request: web.Request) -> web.Response:
    """GET status."""
    user = await current_user(request)
    await read_own_body(request, Body, user)
    return json_answer(await parts_of(request).actions.status(user))


async def _current_session(request: web.Request) -> tuple[Session, Session | None]:
    """The session of a request, and a renewed one where it is time. Raises Unauthenticated, StateAway."""
    token = session_token(request)
    if not token:
        raise Unauthenticated
    parts = parts_of(request)
    session = parts.sessions.read(token)
    renewed = parts.sessions.renewed(session)  # first, so that a sign-out from now on voids this too
    await parts.standing.require(session)
    return session, renewed


async def _known_session(request: web.Request) -> Session | None:
    """The session to go on with, if there is one."""
    try:
        session, renewed = await _current_session(request)
    except Unauthenticated:
        return None
    return renewed or session
