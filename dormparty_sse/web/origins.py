"""Where a request comes from, as browsers tell it: which page has sent it, and was that by https?"""

from urllib.parse import urlsplit

from aiohttp import hdrs, web

from dormparty_sse.domain.errors import ForbiddenOrigin
from dormparty_sse.web.parts import parts_of
from dormparty_sse.web.proxies import CAME_BY_HTTPS
from dormparty_sse.web.sessions import uses_cookie

_SEC_FETCH_SITE = "Sec-Fetch-Site"
#: What a browser says of its own user, who has typed the address, and of the page's own origin.
_OWN_SITES = ("none", "same-origin")


def is_https(request: web.Request) -> bool:
    """By the connection, or by where the settings say that people open the page."""
    by_https = request.get(CAME_BY_HTTPS, request.secure)
    return by_https or parts_of(request).settings.app_url.startswith("https://")


def check_origin(request: web.Request) -> None:
    """Raises ForbiddenOrigin where a page of an origin that is not allowed lets a browser's cookie act.

    Who brings a token by itself may be anywhere. So may who says nothing of its origin: that is no browser.
    """
    if not uses_cookie(request):
        return
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None:  # not sent with everything; old browsers do not send this either
        if request.headers.get(_SEC_FETCH_SITE, "none") not in _OWN_SITES:
            raise ForbiddenOrigin
    elif not (_is_own(origin, request) or origin in parts_of(request).settings.allowed_origins):
        raise ForbiddenOrigin


def origin_of(url: str) -> str:
    """The origin of a URL of ours."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _is_own(origin: str, request: web.Request) -> bool:
    # Compared as text: what a stranger sends as Origin need not be a URL.
    # A proxy that is not trusted may speak https to people; a connection known to be https is never http.
    schemes = ("https",) if request.secure else ("http", "https")
    own = {f"{scheme}://{request.host}" for scheme in schemes}
    app_url = parts_of(request).settings.app_url
    return origin in own or (app_url != "" and origin == origin_of(app_url))
