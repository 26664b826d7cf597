"""A proxy that holds every answer back until it is whole, as some do: no stream ever gets through."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from dormparty_sse.dev.network import LOOPBACK

_OF_A_CONNECTION = {"Connection", "Content-Length", "Host", "Keep-Alive", "Transfer-Encoding"}


@asynccontextmanager
async def holding_proxy(url: str) -> AsyncIterator[str]:
    """The URL of one before the service at `url`."""
    async with aiohttp.ClientSession(url, timeout=aiohttp.ClientTimeout(total=None)) as service:

        async def forward(request: web.Request) -> web.Response:
            async with service.request(
                request.method,
                request.path_qs,
                headers=_passed_on(request.headers.items()),
                data=await request.read(),
            ) as answer:
                return web.Response(
                    status=answer.status,
                    headers=_passed_on(answer.headers.items()),
                    body=await answer.read(),
                )

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", forward)
        runner = web.AppRunner(app, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, LOOPBACK, 0)
        await site.start()
        try:
            yield f"http://{LOOPBACK}:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


def _passed_on(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name not in _OF_A_CONNECTION]
