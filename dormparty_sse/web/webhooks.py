"""POST /api/livekit/webhooks."""

from aiohttp import web

from dormparty_sse.web.bodies import read_in_time
from dormparty_sse.web.handlers import json_answer
from dormparty_sse.web.parts import parts_of


async def receive(request: web.Request) -> web.Response:
    """Answers once what the raw body tells is in Redis."""
    authorization = request.headers.get("Authorization", "")
    await parts_of(request).webhooks.receive(await read_in_time(request), authorization)
    return json_answer({})
