"""The composition of the application: who is made of what, in which order, and who closes it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import web

from dormparty_sse.domain.clock import Clock
from dormparty_sse.domain.errors import StateAway
from dormparty_sse.livekit.rooms import Rooms
from dormparty_sse.livekit.tokens import TokenMint
from dormparty_sse.livekit.webhooks import WebhookVerifier
from dormparty_sse.services.actions import Actions
from dormparty_sse.services.addresses import Addresses
from dormparty_sse.services.administration import Administration
from dormparty_sse.services.aftercare import Aftercare
from dormparty_sse.services.audit import Auditor
from dormparty_sse.services.commits import Commits
from dormparty_sse.services.deadlines import Deadlines
from dormparty_sse.services.gate import make_gate
from dormparty_sse.services.hangups import Hangups
from dormparty_sse.services.health import RoomsHealth
from dormparty_sse.services.hints import Hints
from dormparty_sse.services.hub import Hub
from dormparty_sse.services.matching import Matcher
from dormparty_sse.services.metrics import Metrics
from dormparty_sse.services.moderation import Moderation
from dormparty_sse.services.rate_limits import AtOnce, RateLimits
from dormparty_sse.services.reconcile import Reconciler
from dormparty_sse.services.repair import Repairer
from dormparty_sse.services.standing import Standing
from dormparty_sse.services.sync import RoomSync
from dormparty_sse.services.tasks import Tasks, cancel, every, go_round
from dormparty_sse.services.upkeep import Upkeep
from dormparty_sse.services.views import Views
from dormparty_sse.services.webhooks import Webhooks
from dormparty_sse.settings import Settings
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.devices import Devices
from dormparty_sse.store.moderation import ModerationStore
from dormparty_sse.store.occupancy import Occupancy
from dormparty_sse.store.queries import Queries
from dormparty_sse.store.statistics import Statistics
from dormparty_sse.store.store import Store
from dormparty_sse.web import cors, middlewares, rate_limits
from dormparty_sse.web.cookies import add_renewed
from dormparty_sse.web.parts import PARTS, Parts
from dormparty_sse.web.proxies import forwarded_by
from dormparty_sse.web.routes import add_routes
from dormparty_sse.web.sessions import SessionTokens

_MAX_WEBHOOK_BODY = 256 * 1024  # actions have a smaller limit of their own, in bodies.py
_FINISH_WORK_S = 2
_AFTERCARE_INTERVAL_S = 1.5
_TURN_INTERVAL_S = 0.5  # whose turn it is to reconcile is asked so often
_CLOCK_INTERVAL_S = 1
_CLOCK_TIMEOUT_S = 1  # the process does not start before the first look has ended


def make_app(settings: Settings) -> web.Application:
    """The application. Its resources are opened when it starts and closed when it stops."""
    app = web.Application(
        middlewares=[
            middlewares.request_log,
            middlewares.problem_answers,
            middlewares.host_check,
            forwarded_by(settings.proxy_networks),
            cors.preflights,
            rate_limits.rate_limited,
            middlewares.origin_check,
        ],
        client_max_size=_MAX_WEBHOOK_BODY,
    )
    app.on_response_prepare.append(middlewares.add_headers)
    app.on_response_prepare.append(rate_limits.add_rate_limit_headers)
    app.on_response_prepare.append(middlewares.close_when_draining)
    app.on_response_prepare.append(add_renewed)
    app.on_response_prepare.append(cors.allow(settings.allowed_origins))
    app.cleanup_ctx.append(lambda running: _parts(running, settings))
    add_routes(app)
    return app


async def _parts(app: web.Application, settings: Settings) -> AsyncIterator[None]:
    connection = Connection(
        settings.redis_url,
        pool_size=settings.redis_pool_size,
        connect_timeout_s=settings.redis_connect_timeout,
        command_timeout_s=settings.redis_command_timeout,
        max_retries=settings.redis_max_retries,
    )
    clock = Clock()
    mint = TokenMint(
        api_key=settings.livekit_api_key,
        api_secret=settings.livekit_api_secret,
        clock=clock,
        ttl_s=settings.join_token_ttl_s,
    )
    metrics = Metrics()
    rooms = Rooms(
        settings.livekit_url, mint, timeout_s=settings.livekit_timeout_s, listener=metrics.room_call
    )
    tasks = Tasks()
    store = Store(connection, settings.rules)
    await _look_at_clock(store, clock)
    commits = Commits(tasks)
    commits.react(lambda commit: clock.learn(commit.now))
    commits.react(metrics.committed)
    health = RoomsHealth(rooms)
    views = Views(mint, settings.browser_livekit_url, health, clock)
    addresses = Addresses(settings.session_secrets[0])
    hangups = Hangups(connection, store, commits, clock, tasks, addresses)
    hub = Hub(connection, store, views, hangups, metrics, clock, tasks, buffer=settings.stream_buffer)
    matcher = Matcher(store, rooms, health, commits, tasks, batch=settings.match_batch)
    reconciler = Reconciler(store, rooms, commits, clock, metrics)
    sync = RoomSync(connection, reconciler, clock, metrics, tasks, interval_s=settings.reconcile_interval_s)
    health.when_back(sync.run_soon)
    deadlines = Deadlines(store, rooms, commits, matcher, reconciler, tasks)
    upkeep = Upkeep(connection, hub, store, views, send_timeout_s=settings.stream_send_timeout_s)
    auditor = Auditor(store, rooms)
    repairer = Repairer(store, rooms, auditor, commits)
    aftercare = Aftercare(connection, store, repairer, upkeep)

    gate = make_gate(settings, connection, clock)

    app[PARTS] = Parts(
        settings=settings,
        connection=connection,
        store=store,
        rooms=rooms,
        rooms_health=health,
        sessions=SessionTokens(settings.session_secrets, clock, ttl_s=settings.session_ttl_s),
        standing=Standing(connection, store, commits, session_ttl_s=settings.session_ttl_s),
        gate=gate,
        actions=Actions(
            store, commits, views, Hints(reconciler, tasks), stale_after_s=settings.stale_after_s
        ),
        hub=hub,
        webhooks=Webhooks(WebhookVerifier(*settings.webhook_key, clock), store, commits, clock, metrics),
        queries=Queries(store),
        statistics=Statistics(store),
        occupancy=Occupancy(store),
        auditor=auditor,
        repairer=repairer,
        sync=sync,
        administration=Administration(store, rooms, commits),
        moderation=Moderation(
            ModerationStore(store), Devices(connection, memory_s=settings.session_ttl_s), commits, tasks
        ),
        metrics=metrics,
        rate_limits=RateLimits(connection, settings.rate_limits.limits(), addresses),
        streams_at_once=AtOnce(settings.streams_per_address),
    )
    rounds = [
        asyncio.create_task(hub.listen()),
        asyncio.create_task(every(_CLOCK_INTERVAL_S, lambda: _look_at_clock(store, clock), "clock")),
        asyncio.create_task(every(settings.livekit_probe_interval_s, health.look, "livekit_probe")),
        asyncio.create_task(every(settings.sweep_interval_s, deadlines.sweep, "sweep")),
        asyncio.create_task(every(_TURN_INTERVAL_S, sync.take_turn, "reconciliation")),
        asyncio.create_task(every(_AFTERCARE_INTERVAL_S, aftercare.look, "aftercare")),
    ]
    for interval_s, work in (
        (settings.stream_ping_interval_s, upkeep.pings),
        (settings.heartbeat_interval_s, upkeep.heartbeats),
        (settings.presence_interval_s, upkeep.presence),
        (settings.queue_update_interval_s, upkeep.queue_updates),
    ):
        going_round = go_round(interval_s, lambda: hub.streams, work, work.__name__)
        rounds.append(asyncio.create_task(going_round))
    yield
    deadlines.stop()
    await cancel(rounds)
    await tasks.finish(_FINISH_WORK_S)
    await gate.aclose()
    await rooms.aclose()
    await connection.aclose()


async def _look_at_clock(store: Store, clock: Clock) -> None:
    with suppress(StateAway, TimeoutError):  # the next look may succeed; until then the clock goes on
        async with asyncio.timeout(_CLOCK_TIMEOUT_S):
            clock.learn(await store.time())


async def drain(app: web.Application) -> None:
    """Sends the clients elsewhere, while everything goes on. Returns once they have gone."""
    parts = app[PARTS]
    await parts.hub.drain(parts.settings.stream_drain_s)
