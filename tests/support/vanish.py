"""A client whose network vanishes: nothing reaches it any more, and nobody is told."""

import ctypes
import socket
import struct

import aiohttp

_SO_ATTACH_FILTER = 26  # asm-generic/socket.h; Python has no name for it
_RETURN_0 = struct.pack("HBBI", 0x06, 0, 0, 0)  # BPF_RET: of every packet, keep nothing


def vanish(answer: aiohttp.ClientResponse) -> None:
    """From now on this connection's kernel drops what comes, unconfirmed, as behind a dead network."""
    assert answer.connection
    assert answer.connection.transport
    connection: socket.socket = answer.connection.transport.get_extra_info("socket")
    program = ctypes.create_string_buffer(_RETURN_0, len(_RETURN_0))
    connection.setsockopt(
        socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(program))
    )
