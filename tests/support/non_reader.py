"""Clients that open a stream and read nothing, and what fills the way to them."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from dormparty_sse.store.keys import pool_key
from tests.support.person import Person
from tests.support.stack import Stack

_FILL = 64 * 1024  # bytes; with the two below, more than both kernels keep for such a client
_FILLS = 4


@contextmanager
def open_without_reading(someone: Person) -> Iterator[socket.socket]:
    """A stream whose client reads nothing, and has next to no room to receive."""
    place = urlsplit(someone.base_url)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.connect((place.hostname, place.port))
        client.sendall(
            f"GET /api/matching/events HTTP/1.1\r\nHost: {place.netloc}\r\n"
            f"Authorization: {someone.headers['Authorization']}\r\n\r\n".encode()
        )
        yield client


async def fill(stack: Stack, someone: Person) -> None:
    """Tells so much that something waits for whoever does not read."""
    for _ in range(_FILLS):
        await tell(stack, someone, _FILL)


async def tell(stack: Stack, someone: Person, size: int) -> None:
    """An event of about so many bytes, which no log has."""
    data = json.dumps({"type": "filling", "filling": "x" * size})
    now = round(await stack.now())
    await stack.redis.publish(pool_key(someone.pool, "events", someone.user_id), f"{now}-0 {data}")
