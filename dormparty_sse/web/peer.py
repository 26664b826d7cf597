"""The other end of a stream's connection, as the kernel sees it."""

import socket
from typing import Any

from aiohttp import web

from dormparty_sse.services.stream import Reader

_SEND_BUFFER = 32 * 1024  # bytes; left to itself, the kernel takes megabytes for who does not read
# tcpi_retransmits of struct tcp_info (linux/tcp.h): how often what is unconfirmed was sent again, with pauses
# that grow. So often in a row means seconds without a word, however slow the network normally is.
_RETRANSMITS_AT, _TCP_INFO_BYTES = 2, 8
_MOST_RETRANSMITS = 2


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
    except (OSError, ValueError):  # closed by now
        return False
    return int(info[_RETRANSMITS_AT]) <= _MOST_RETRANSMITS
