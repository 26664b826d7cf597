"""Requests byte by byte, for what a proper client would not send."""

import asyncio
import json
import ssl
from typing import Any
from urllib.parse import urlsplit

from dormparty_sse.dev.network import LOOPBACK
from tests.support.waiting import PATIENCE_S


async def send_raw(
    url: str,
    request_line: str,
    *headers: bytes,
    body: bytes = b"",
    sender: str = LOOPBACK,
    tls: ssl.SSLContext | None = None,
) -> tuple[int, Any]:
    """(status, JSON or None) of a request that is sent as it is, from an address of this machine."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(
        place.hostname, place.port, local_addr=(sender, 0), ssl=tls
    )
    try:
        head = [f"{request_line} HTTP/1.1".encode(), f"Host: {place.netloc}".encode(), b"Connection: close"]
        writer.write(b"\r\n".join([*head, *headers]) + b"\r\n\r\n" + body)
        async with asyncio.timeout(PATIENCE_S):
            answer = await reader.read()
    finally:
        writer.close()
    answer_head, _, answer_body = answer.partition(b"\r\n\r\n")
    status_line, *_ = answer_head.splitlines()
    is_json = b"json" in answer_head.lower().partition(b"content-type:")[2].splitlines()[0]
    return int(status_line.split()[1]), json.loads(answer_body) if is_json else None
