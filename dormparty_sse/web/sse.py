"""Events as `text/event-stream` has them (the HTML standard, section 9.2)."""

import random

import orjson

from dormparty_sse.domain.events import EventType
from dormparty_sse.domain.models import Event

PING = b": ping\n"  #: A comment, which tells the client nothing.

_STAY_AWAY_MS = 3_600_000  # a superseded EventSource would come back at once, and fight


def encode(event: Event, retry_ms: int) -> bytes:
    """The event as it is sent. `retry_ms`: after which a client that lost the stream comes back, about."""
    event_id = b"id: %b\n" % event.event_id.encode() if event.event_id else b""
    return b"%b%bdata: %b\n\n" % (event_id, _retry(event, retry_ms), orjson.dumps(event.data))


def come_back_soon(retry_ms: int) -> bytes:
    """No event: says that there is no need to wait for as long as `retry_ms`."""
    return _retry_line(retry_ms * random.uniform(0.1, 0.5)) + b"\n"  # noqa: S311  # spreads load, hides nothing


def _retry(event: Event, retry_ms: int) -> bytes:
    match event.type:
        case EventType.CONNECTED:
            return _retry_line(retry_ms * random.uniform(0.5, 1.5))  # noqa: S311  # likewise
        case EventType.SUPERSEDED:
            return _retry_line(_STAY_AWAY_MS)
        case EventType.DRAINING if "reconnectInMs" in event.data:
            return _retry_line(event.data["reconnectInMs"])
        case _:
            return b""


def _retry_line(ms: float) -> bytes:
    return b"retry: %d\n" % round(ms)
