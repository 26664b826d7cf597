"""The other end of a stream's connection, as the kernel sees it."""

import socket
import struct
from typing import Any

from aiohttp import web

from dormparty_sse.services.stream import Reader

_SEND_BUFFER = 32 * 1024  # bytes; left to itself, the kernel takes megabytes for who does not read
_ANSWER_MS = 2_000  # for the peer's kernel to confirm what it was sent, on a slow network
# From struct tcp_info of linux/tcp.h: tcpi_unacked, in segments, and tcpi_last_ack_recv, in ms.
_UNACKED_AT, _LAST_ACK_AT, _TCP_INFO_BYTES = 24, 56, 60


def reader_of(request: web.Request) -> Reader:
    """Who reads the answer to this request: a browser, or the proxy before it."""
    transport = request.transport
    if transport is None:  # gone already
        return Reader(address="", responds=lambda: False, cut_off=lambda: None)
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    return Reader(
        address=str((transport.get_extra_info("peername") or [""])[0]),
        responds=lambda: _responds(connection),
        cut_off=transport.abort,
    )


def _responds(connection: Any) -> bool:
    """Does it still confirm what it is sent? True where the kernel does not tell: only Linux does."""
    if not hasattr(socket, "TCP_INFO"):
        return True
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    except OSError:
        return False
    (unacked,), (last_ack_ms,) = (struct.unpack_from("I", info, at) for at in (_UNACKED_AT, _LAST_ACK_AT))
    return not (unacked and last_ack_ms > _ANSWER_MS)
