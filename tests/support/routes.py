"""The URLs of the service, as it registers them, so that a new one is tested without being listed here."""

from aiohttp import web

from dormparty_sse.web.routes import add_routes

#: What works without a session: it gives one, or has credentials of another kind.
_OTHER_CREDENTIALS = ("/api/session", "/api/livekit/", "/api/admin/", "/api/sync-room-states", "/api/openapi")


def user_routes() -> list[tuple[str, str]]:
    """(method, path) of everything that takes a session."""
    return [route for route in _api_routes() if not route[1].startswith(_OTHER_CREDENTIALS)]


def admin_routes() -> list[tuple[str, str]]:
    """(method, path) of everything that takes the admin token."""
    return [route for route in _api_routes() if route[1].startswith("/api/admin/")]


def _api_routes() -> list[tuple[str, str]]:
    app = web.Application()
    add_routes(app)
    return [
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None
        and route.resource.canonical.startswith("/api/")
        and route.method != "HEAD"
    ]
