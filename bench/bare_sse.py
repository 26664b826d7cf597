"""What the service's streams are compared with: aiohttp-sse as one would use it first.

`python -m bench.bare_sse PORT REDIS-URL`: a queue for each user, fed by one subscription. No log, so nothing
is resumed; no session: the bearer token is the user's id.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator

import uvloop
from aiohttp import web
from aiohttp_sse import sse_response
from redis.asyncio import Redis

from dormparty_sse.dev.network import LOOPBACK

CHANNEL = "bare:"  #: The user's id follows.

_QUEUES = web.AppKey("queues", dict[str, asyncio.Queue[str]])
_BACKLOG = 4096  # as the service has it: all come at once


async def _events(request: web.Request) -> web.StreamResponse:
    user = request.headers["Authorization"].removeprefix("Bearer ")
    queues = request.app[_QUEUES]
    queue = queues[user] = asyncio.Queue()
    async with sse_response(request) as response:
        try:
            while response.is_connected():
                await response.send(await queue.get())
        finally:
            if queues.get(user) is queue:
                del queues[user]
    return response


async def _distribute(redis: Redis, queues: dict[str, asyncio.Queue[str]]) -> None:
    async with redis.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.psubscribe(f"{CHANNEL}*")
        async for message in pubsub.listen():
            if queue := queues.get(message["channel"].removeprefix(CHANNEL)):
                queue.put_nowait(message["data"])


def _app(redis_url: str) -> web.Application:
    app = web.Application()
    app[_QUEUES] = {}

    async def distribution(app: web.Application) -> AsyncIterator[None]:
        async with Redis.from_url(redis_url, decode_responses=True) as redis:
            task = asyncio.create_task(_distribute(redis, app[_QUEUES]))
            yield
            task.cancel()

    async def here(_request: web.Request) -> web.Response:
        return web.Response()

    app.cleanup_ctx.append(distribution)
    app.router.add_get("/", here)
    app.router.add_get("/events", _events)
    return app


def main() -> None:
    """Serves until a signal stops it."""
    parser = argparse.ArgumentParser(prog="python -m bench.bare_sse", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("redis_url")
    arguments = parser.parse_args()
    web.run_app(
        _app(arguments.redis_url), host=LOOPBACK, port=arguments.port, print=None, backlog=_BACKLOG,
        access_log=None, handler_cancellation=True, shutdown_timeout=1, loop=uvloop.new_event_loop(),
    )  # fmt: skip


if __name__ == "__main__":
    main()
