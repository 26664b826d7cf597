"""POST /api/livekit/webhooks."""

from aiohttp import web

from dormparty_sse.web.handlers import json_answer
from dormparty_sse.web.parts import parts_of


async def receive(request: web.Request) -> web.Response:
    """Verifies the raw body, applies the event, and answers once the state is in Redis."""
    parts = parts_of(request)
    event = parts.webhook_verifier.read(await request.read(), request.headers.get("Authorization", ""))
    await parts.webhooks.apply(event)
    return json_answer({})
