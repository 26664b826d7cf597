"""GET events: the stream of one user."""

import random
from contextlib import suppress

import orjson
from aiohttp import web
from aiohttp_sse import EventSourceResponse

from dormparty_sse.domain.events import EventType
from dormparty_sse.domain.models import Event
from dormparty_sse.web.bodies import Body, read_own_body
from dormparty_sse.web.handlers import current_user
from dormparty_sse.web.parts import parts_of
from dormparty_sse.web.peer import reader_of

_STAY_AWAY_MS = 3_600_000  # a superseded EventSource would come back at once, and fight


async def events(request: web.Request) -> web.StreamResponse:
    """Sends the user's events until the client or this process goes, or a newer stream takes over."""
    user = current_user(request)
    await read_own_body(request, Body, user)
    parts = parts_of(request)
    settings = parts.settings
    last_event_id = request.headers.get("Last-Event-ID") or request.query.get("lastEventId") or None
    response = EventSourceResponse(
        sep="\n",
        ping_interval=settings.stream_ping_interval_s,
        send_timeout=settings.stream_send_timeout_s,
    )
    response.headers["Cache-Control"] = "no-cache, no-transform"
    # A TimeoutError: the client takes nothing, and its connection is cut by now.
    with suppress(TimeoutError), parts.metrics.streams.track_inprogress():
        async with parts.hub.open(user, last_event_id, reader_of(request)) as stream:
            await response.prepare(request)
            async with response:
                async for event in stream:
                    await _send(response, event, settings.stream_retry_ms)
    return response


async def _send(response: EventSourceResponse, event: Event, retry_ms: int) -> None:
    await response.send(
        orjson.dumps(event.data).decode(), id=event.event_id, retry=_retry_ms(event.type, retry_ms)
    )


def _retry_ms(event_type: str, retry_ms: int) -> int | None:
    match event_type:
        case EventType.CONNECTED:
            return round(retry_ms * random.uniform(0.5, 1.5))  # noqa: S311  # spreads load, hides nothing
        case EventType.SUPERSEDED:
            return _STAY_AWAY_MS
        case _:
            return None
