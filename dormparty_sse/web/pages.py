"""The page and its assets."""

from importlib.resources import files
from pathlib import Path

from aiohttp import web

STATIC = Path(str(files(__package__) / "static"))


async def index(_request: web.Request) -> web.FileResponse:
    """GET /: the page."""
    return web.FileResponse(STATIC / "index.html")
