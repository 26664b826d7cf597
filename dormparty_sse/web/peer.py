"""The other end of a connection, as the kernel sees it."""

import asyncio
import socket
import struct

_SEND_BUFFER = 32 * 1024  # bytes; left to itself, the kernel takes megabytes for who does not read
# A connection over which nothing has come for so long is asked for a sign of life, and given up after some
# such questions (tcp(7)). What is unconfirmed for so long ends it too, whatever else is said.
_QUIET_S, _ASK_EVERY_S, _QUESTIONS = 10, 3, 3
_UNCONFIRMED_MS = 20_000
# tcpi_retransmits of struct tcp_info (linux/tcp.h): how often what is unconfirmed was sent again, with pauses
# that grow. So often in a row means seconds without a word, however slow the network normally is.
_TCP_INFO = struct.Struct("xxBxxxxx")
_MOST_RETRANSMITS = 2


def give_up_the_vanished(listening: socket.socket) -> None:
    """Has the kernel end the connections made by way of this socket when their peers have vanished."""
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux, where connections inherit all of these
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _QUIET_S)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _ASK_EVERY_S)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _QUESTIONS)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNCONFIRMED_MS)


class Peer:
    """A browser, or the proxy before it."""

    __slots__ = ("_socket", "address")

    def __init__(self, transport: asyncio.Transport) -> None:
        self.address = str((transport.get_extra_info("peername") or [""])[0])
        self._socket: socket.socket = transport.get_extra_info("socket")

    def hold_back_little(self) -> None:
        """Has the kernel keep little of what the peer does not take."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)

    def responds(self) -> bool:
        """Does it still confirm what it is sent? True where the kernel does not tell: only Linux does."""
        if not hasattr(socket, "TCP_INFO"):
            return True
        try:
            info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        except (OSError, ValueError):  # closed by now
            return False
        (retransmits,) = _TCP_INFO.unpack(info)
        return int(retransmits) <= _MOST_RETRANSMITS
