"""The other end of a connection, as the kernel sees it."""

import asyncio
import socket
from typing import Any

_SEND_BUFFER = 32 * 1024  # bytes; left to itself, the kernel takes megabytes for who does not read
# A connection over which nothing has come for so long is asked for a sign of life, and given up after some
# such questions (tcp(7)). What is unconfirmed for so long ends it too, whatever else is said.
_QUIET_S, _ASK_EVERY_S, _QUESTIONS = 10, 3, 3
_UNCONFIRMED_MS = 20_000
# tcpi_retransmits of struct tcp_info (linux/tcp.h): how often what is unconfirmed was sent again, with pauses
# that grow. So often in a row means seconds without a word, however slow the network normally is.
_RETRANSMITS_AT, _TCP_INFO_BYTES = 2, 8
_MOST_RETRANSMITS = 2


class Peer:
    """A browser, or the proxy before it."""

    __slots__ = ("_socket", "address")

    def __init__(self, transport: asyncio.Transport) -> None:
        self.address = str((transport.get_extra_info("peername") or [""])[0])
        self._socket: Any = transport.get_extra_info("socket")

    def watch(self) -> None:
        """Has the kernel end the connection when the peer has vanished, and hold back little for it."""
        options = {
            (socket.SOL_SOCKET, socket.SO_SNDBUF): _SEND_BUFFER,
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE): 1,
        }
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
            options |= {
                (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE): _QUIET_S,
                (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL): _ASK_EVERY_S,
                (socket.IPPROTO_TCP, socket.TCP_KEEPCNT): _QUESTIONS,
                (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT): _UNCONFIRMED_MS,
            }
        for (level, option), value in options.items():
            self._socket.setsockopt(level, option, value)

    def responds(self) -> bool:
        """Does it still confirm what it is sent? True where the kernel does not tell: only Linux does."""
        if not hasattr(socket, "TCP_INFO"):
            return True
        try:
            info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
        except (OSError, ValueError):  # closed by now
            return False
        return int(info[_RETRANSMITS_AT]) <= _MOST_RETRANSMITS
