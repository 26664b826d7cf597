"""The URLs of the service, as it registers them, so that a new one is tested without being listed here."""

from aiohttp import web

from dormparty_sse.web.routes import add_routes

#: What works without a session: it gives one, or has credentials of another kind.
_OTHER_CREDENTIALS = ("/api/session", "/api/livekit/", "/api/admin/", "/api/sync-room-states", "/api/openapi")


def user_routes() -> list[tuple[str, str]]:
    """(method, path) of everything that takes a session."""
    app = web.Application()
    add_routes(app)
    return [
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None
        and route.resource.canonical.startswith("/api/")
        and not route.resource.canonical.startswith(_OTHER_CREDENTIALS)
        and route.method != "HEAD"
    ]
