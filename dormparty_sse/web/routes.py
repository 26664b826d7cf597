"""Every URL of the service, on one page."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from dormparty_sse.web import admin, handlers, operators, pages, stream, webhooks

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_BOTH = ("/api/matching", "/api/simple-matching")
_MATCHING = ("/api/matching",)


def add_routes(app: web.Application) -> None:
    """Registers all routes."""
    router = app.router
    router.add_post("/api/session", handlers.create_session)
    router.add_delete("/api/session", handlers.delete_session)
    router.add_get("/api/session/challenge", handlers.challenge)

    _action(app, _BOTH, "enqueue", handlers.enqueue)
    _action(app, _BOTH, "skip", handlers.skip)
    _action(app, _BOTH, "end", handlers.end)
    _action(app, _BOTH, "heartbeat", handlers.heartbeat)
    _action(app, _MATCHING, "leave", handlers.leave)
    _action(app, _MATCHING, "room-close-ack", handlers.room_close_ack)

    _question(app, _BOTH, "check-match", handlers.check_match)
    _question(app, _BOTH, "check-disconnect", handlers.check_disconnect)
    router.add_get("/api/check-match", handlers.check_match)
    router.add_get("/api/matching/status", handlers.status)

    for path in ("/api/matching/events", "/api/sse"):
        router.add_get(path, stream.events, allow_head=False)  # it would supersede the real stream

    router.add_post("/api/livekit/webhooks", webhooks.receive)

    sync_room_states = admin.for_operators(admin.sync_room_states)
    router.add_get("/api/sync-room-states", sync_room_states)
    router.add_post("/api/sync-room-states", sync_room_states)

    router.add_get("/healthz", operators.healthz)
    router.add_get("/readyz", operators.readyz)
    router.add_get("/metrics", operators.metrics)
    for path, handler in {
        "overview": admin.overview,
        "statistics": admin.statistics,
        "users": admin.users,
        "users/{id}": admin.user,
        "queue": admin.queue,
        "rooms": admin.rooms,
        "audit": admin.audit,
    }.items():
        router.add_get(f"/api/admin/{path}", admin.for_operators(handler))
    for path, handler in {
        "users/{id}/transition": admin.transition,
        "users/{id}/cleanup": admin.cleanup_user,
        "cleanup": admin.cleanup_pool,
        "repair": admin.repair,
    }.items():
        router.add_post(f"/api/admin/{path}", admin.for_operators(handler))
    router.add_delete("/api/admin/rooms/{name}", admin.for_operators(admin.delete_room))

    router.add_get("/", pages.index)
    router.add_get(r"/static/{path:[\w./-]{1,200}}", pages.asset)


def _action(app: web.Application, prefixes: tuple[str, ...], name: str, handler: Handler) -> None:
    for prefix in prefixes:
        app.router.add_post(f"{prefix}/{name}", handler)


def _question(app: web.Application, prefixes: tuple[str, ...], name: str, handler: Handler) -> None:
    for prefix in prefixes:
        app.router.add_get(f"{prefix}/{name}", handler)
        app.router.add_post(f"{prefix}/{name}", handler)
