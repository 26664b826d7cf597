"""The composition of the application: who is made of what, in which order, and who closes it."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from dormparty_sse.livekit.rooms import Rooms
from dormparty_sse.livekit.tokens import TokenMint
from dormparty_sse.livekit.webhooks import WebhookVerifier
from dormparty_sse.services.actions import Actions
from dormparty_sse.services.audit import Auditor
from dormparty_sse.services.commits import Commits
from dormparty_sse.services.deadlines import Deadlines
from dormparty_sse.services.health import RoomsHealth
from dormparty_sse.services.hub import Hub
from dormparty_sse.services.matching import Matcher
from dormparty_sse.services.tasks import Tasks, cancel, every
from dormparty_sse.services.upkeep import Upkeep
from dormparty_sse.services.views import Views
from dormparty_sse.services.webhooks import Webhooks
from dormparty_sse.settings import Settings
from dormparty_sse.store.client import connect, connect_for_subscriptions
from dormparty_sse.store.store import Store
from dormparty_sse.web import middlewares
from dormparty_sse.web.parts import PARTS, Parts
from dormparty_sse.web.routes import add_routes
from dormparty_sse.web.sessions import SessionTokens

_MAX_WEBHOOK_BODY = 256 * 1024  # actions have a smaller limit of their own, in bodies.py
_FINISH_WORK_S = 3


def make_app(settings: Settings) -> web.Application:
    """The application. Its resources are opened when it starts and closed when it stops."""
    app = web.Application(
        middlewares=[middlewares.request_log, middlewares.problem_answers, middlewares.origin_check],
        client_max_size=_MAX_WEBHOOK_BODY,
    )
    app.on_response_prepare.append(middlewares.add_headers)
    app.on_shutdown.append(_drain)
    app.cleanup_ctx.append(lambda running: _parts(running, settings))
    add_routes(app)
    return app


async def _parts(app: web.Application, settings: Settings) -> AsyncIterator[None]:
    redis = connect(
        settings.redis_url,
        connect_timeout_s=settings.redis_connect_timeout,
        command_timeout_s=settings.redis_command_timeout,
        pool_size=settings.redis_pool_size,
    )
    subscriptions = connect_for_subscriptions(
        settings.redis_url, connect_timeout_s=settings.redis_connect_timeout
    )
    rooms = Rooms(
        settings.livekit_url,
        settings.livekit_api_key,
        settings.livekit_api_secret,
        timeout_s=settings.livekit_timeout_s,
    )
    tasks = Tasks()
    store = Store(redis, settings.rules)
    commits = Commits(tasks)
    health = RoomsHealth(rooms)
    mint = TokenMint(
        api_key=settings.livekit_api_key,
        api_secret=settings.livekit_api_secret,
        ttl_s=settings.join_token_ttl_s,
    )
    views = Views(mint, settings.browser_livekit_url, health)
    hub = Hub(subscriptions, store, views, tasks, buffer=settings.stream_buffer)
    matcher = Matcher(store, rooms, health, commits, tasks, batch=settings.match_batch)
    deadlines = Deadlines(store, rooms, commits, matcher, tasks=tasks)
    upkeep = Upkeep(hub, store, views)

    app[PARTS] = Parts(
        settings=settings,
        store=store,
        rooms=rooms,
        rooms_health=health,
        sessions=SessionTokens(settings.session_secret, ttl_s=settings.session_ttl_s),
        actions=Actions(store, commits, views, stale_after_s=settings.stale_after_s),
        hub=hub,
        webhook_verifier=WebhookVerifier(*settings.webhook_key),
        webhooks=Webhooks(store, commits),
        auditor=Auditor(store, rooms),
    )
    rounds = [
        asyncio.create_task(hub.listen()),
        asyncio.create_task(every(settings.livekit_probe_interval_s, health.look, "livekit_probe")),
        asyncio.create_task(every(settings.sweep_interval_s, deadlines.sweep, "sweep")),
        asyncio.create_task(every(settings.heartbeat_interval_s, upkeep.heartbeats, "heartbeats")),
        asyncio.create_task(every(settings.presence_interval_s, upkeep.presence, "presence")),
        asyncio.create_task(every(settings.queue_update_interval_s, upkeep.queue_updates, "queue_updates")),
    ]
    yield
    deadlines.stop()
    await cancel(rounds)
    await tasks.finish(_FINISH_WORK_S)
    await rooms.aclose()
    await subscriptions.aclose()
    await redis.aclose()


async def _drain(app: web.Application) -> None:
    app[PARTS].hub.drain()
