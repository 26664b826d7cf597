"""GET events: what a user is told, as a stream or by polling."""

from typing import Literal

from aiohttp import web

from dormparty_sse.domain.errors import StateAway
from dormparty_sse.domain.models import UserRef
from dormparty_sse.services.stream import Cause
from dormparty_sse.web.bodies import Body, read_own_body
from dormparty_sse.web.event_connection import EventConnection, Head
from dormparty_sse.web.handlers import current_user, json_answer
from dormparty_sse.web.parts import parts_of
from dormparty_sse.web.peer import Peer
from dormparty_sse.web.polling import Poll, answer
from dormparty_sse.web.rate_limits import enter_stream


class EventsQuery(Body):
    """How the events are wanted."""

    poll: Literal["0", "1"] = "0"
    last_event_id: str | None = None


async def events(request: web.Request) -> web.StreamResponse:
    """GET events. A stream begins with this; it goes on until one of its ends goes, or a newer one comes."""
    user = await current_user(request)
    query = await read_own_body(request, EventsQuery, user)
    last_event_id = request.headers.get("Last-Event-ID") or query.last_event_id or None
    transport = request.transport
    if transport is None:
        raise ConnectionResetError
    peer = Peer(transport)
    leave = enter_stream(request)
    if query.poll == "1":
        try:
            return await _poll(request, user, last_event_id, peer)
        finally:
            leave()
    head = Head(request)
    connection = EventConnection(head, peer, parts_of(request).settings.stream_retry_ms, leave)
    try:
        await _open(request, user, last_event_id, connection)
    except BaseException:
        leave()
        raise
    return head


async def _open(
    request: web.Request, user: UserRef, last_event_id: str | None, connection: EventConnection
) -> None:
    hub = parts_of(request).hub
    try:
        await hub.open(user, last_event_id, connection)
    except StateAway:
        if not hub.is_draining:
            raise
        if request.transport:
            request.transport.abort()  # an EventSource comes back after that, and never after an error
        raise ConnectionResetError from None


async def _poll(
    request: web.Request, user: UserRef, last_event_id: str | None, peer: Peer
) -> web.StreamResponse:
    """Answers as soon as there is something to tell. Until then it is the user's stream, as any other."""
    parts = parts_of(request)
    poll = Poll(peer)
    stream = await parts.hub.open(user, last_event_id, poll)
    try:
        told = await poll.events(parts.settings.poll_wait_s)
        stream.release(Cause.ANSWERED)
    finally:
        poll.end()
    return json_answer(answer(told, last_event_id))
