"""Ports of this machine: find a free one, see whether one is taken, ask what listens there."""

import asyncio
import random
import socket
from contextlib import suppress

from dormparty_sse.dev.errors import DevError

LOOPBACK = "127.0.0.1"

_PORTS = range(10_000, 32_768)


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port that is free now on 127.0.0.1; SOCK_DGRAM for UDP.

    None that the system might give to an outgoing connection, while the server that is to have it is away.
    """
    while True:
        port = random.choice(_PORTS)  # noqa: S311  # spreads, hides nothing
        with socket.socket(socket.AF_INET, kind) as probe, suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port


def require_free(port: int, setting: str, kind: socket.SocketKind = socket.SOCK_STREAM) -> None:
    """Raise DevError, naming the setting, if the port is taken."""
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:  # connections that ended a moment ago do not count
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            protocol = "UDP port" if kind is socket.SOCK_DGRAM else "port"
            raise DevError(f"{protocol} {port}: {error.strerror}: set {setting} to another one") from None


async def ask(port: int, request: bytes) -> bytes:
    """The first line that a server on 127.0.0.1 answers, within 1 s; empty if nobody does."""
    try:
        async with asyncio.timeout(1):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                writer.write(request)
                return await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return b""


async def answers_200(port: int, path: str) -> bool:
    """Whether an HTTP server on 127.0.0.1 answers 200 to GET."""
    answer = await ask(port, f"GET {path} HTTP/1.0\r\nHost: {LOOPBACK}\r\n\r\n".encode())
    return answer.split()[1:2] == [b"200"]
