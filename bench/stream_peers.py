"""The servers whose streams are measured: this service, and the bare one that it is compared with."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis

from bench.alone import POOL
from bench.bare_sse import CHANNEL
from bench.stack import SECRET, service_server
from dormparty_sse.dev.network import LOOPBACK, answers_200, free_port
from dormparty_sse.dev.places import ROOT
from dormparty_sse.dev.server import Server
from dormparty_sse.domain.clock import Clock
from dormparty_sse.domain.models import UserRef
from dormparty_sse.domain.names import new_id
from dormparty_sse.domain.rules import Rules
from dormparty_sse.store.keys import pool_tag
from dormparty_sse.store.scripts import composed
from dormparty_sse.web.sessions import SessionTokens

_NOWHERE = f"http://{LOOPBACK}:9"  # streams need no LiveKit
_SESSION_TTL_S = 3_600

#: Appends and publishes an event as every script does, of a type that the service passes on as it is.
_SCRIPT = """
-- @include users
emit(ARGV[1], 'bench', { payload = ARGV[2] })
return reply(OUTCOME.DONE)
"""
_BARE_EVENT = '{"type":"bench","timestamp":1700000000000,"payload":"PAYLOAD"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A server, and how the load generator is to use it."""

    server: Server
    path: str  #: Of the streams.
    greets: bool  #: Is a stream open at its first event, or at the head of the answer?
    people: Sequence[tuple[str, str]]  #: User and bearer token, one for each stream.
    publish: Sequence[str]  #: The command to Redis; USER and PAYLOAD stand for what they say.


async def service_peer(
    directory: Path, redis: Redis, redis_url: str, *, streams: int, processes: int
) -> Peer:
    """This service, with its own defaults, without a LiveKit."""
    port = free_port()

    async def ready() -> bool:
        listening = await redis.client_list(_type="pubsub")
        return len(listening) >= processes and await answers_200(port, "/healthz")

    server = service_server(
        port, redis_url, _NOWHERE, directory / "service.log", ready, WEB_CONCURRENCY=str(processes)
    )
    sessions = SessionTokens([SECRET], Clock(), ttl_s=_SESSION_TTL_S)
    users = [UserRef(user_id=new_id(), pool=POOL) for _ in range(streams)]
    script = await redis.script_load(composed(_SCRIPT, Rules()))
    return Peer(
        server=server,
        path="/api/matching/events",
        greets=True,
        people=[(user.user_id, sessions.sign(user, new_id()).token) for user in users],
        publish=["EVALSHA", script, "1", pool_tag(POOL), "USER", "PAYLOAD", ""],
    )


def bare_peer(directory: Path, redis_url: str, *, streams: int) -> Peer:
    """A bare aiohttp-sse server."""
    port = free_port()

    async def ready() -> bool:
        return await answers_200(port, "/")

    server = Server(
        name="the bare server",
        url=f"http://{LOOPBACK}:{port}",
        command=[sys.executable, "-m", "bench.bare_sse", str(port), redis_url],
        ready=ready,
        log=directory / "bare.log",
        cwd=ROOT,
    )
    users = [new_id() for _ in range(streams)]
    return Peer(
        server=server,
        path="/events",
        greets=False,
        people=[(user, user) for user in users],
        publish=["PUBLISH", f"{CHANNEL}USER", _BARE_EVENT],
    )
