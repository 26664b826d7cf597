"""The page and its assets."""

from importlib.resources import files
from pathlib import Path

from aiohttp import web

STATIC = Path(str(files(__package__) / "static"))
#: Machines differ in what they take these for: `.ts` may be a film.
_CONTENT_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".ts": "application/typescript"}


async def index(_request: web.Request) -> web.FileResponse:
    """GET /: the page."""
    return web.FileResponse(STATIC / "index.html")


async def docs(_request: web.Request) -> web.FileResponse:
    """GET /docs: the description of the API, to read and to try."""
    return web.FileResponse(STATIC / "docs.html")


async def asset(request: web.Request) -> web.FileResponse:
    """GET /static/…: a file of the page. (aiohttp's own route answers a missing one with no problem.)"""
    file = _file(request.match_info["path"])
    if file is None:
        raise web.HTTPNotFound
    content_type = _CONTENT_TYPES.get(file.suffix)
    return web.FileResponse(file, headers={"Content-Type": content_type} if content_type else None)


def _file(path: str) -> Path | None:
    """None where there is none; the route lets no name through that a file system could not take."""
    file = (STATIC / path).resolve()
    return file if file.is_relative_to(STATIC.resolve()) and file.is_file() else None
