"""The cookies that browsers keep: the session's token, and the device, which outlives sessions."""

import re
from contextvars import ContextVar
from typing import TypedDict

from aiohttp import hdrs, web

from dormparty_sse.domain.models import Session
from dormparty_sse.domain.names import new_id
from dormparty_sse.web.origins import is_https
from dormparty_sse.web.parts import parts_of
from dormparty_sse.web.sessions import SESSION_COOKIE

DEVICE_COOKIE = "dormparty_device"

_DEVICE_AGE_S = 365 * 86_400
_SANE_DEVICE = re.compile(r"[\w-]{22,64}", re.ASCII)  # 128 bits or more


class _Reach(TypedDict):
    """To which requests a browser adds a cookie."""

    samesite: str
    secure: bool


# Not kept in the request, as what a proxy forwards is another one by the time it is answered.
_renewed: ContextVar[Session | None] = ContextVar("renewed", default=None)


def device_of(request: web.Request) -> str:
    """The device that a browser says it is; a new one where it says nothing sane."""
    given = request.cookies.get(DEVICE_COOKIE, "")
    return given if _SANE_DEVICE.fullmatch(given) else new_id()


def set_cookies(request: web.Request, answer: web.StreamResponse, session: Session) -> None:
    """Has the browser keep the session and its device."""
    ages = {
        SESSION_COOKIE: (session.token, parts_of(request).sessions.remaining_s(session)),
        DEVICE_COOKIE: (session.device, _DEVICE_AGE_S),
    }
    for name, (value, age_s) in ages.items():
        answer.set_cookie(name, value, max_age=age_s, httponly=True, **_reach(request))


def clear_session(request: web.Request, answer: web.StreamResponse) -> None:
    """Has the browser forget the session. The device stays what it is."""
    answer.del_cookie(SESSION_COOKIE, httponly=True, **_reach(request))


def renew_with_answer(session: Session) -> None:
    """Has the browser keep this session from the answer on, whatever that will be."""
    _renewed.set(session)


async def add_renewed(request: web.Request, answer: web.StreamResponse) -> None:
    """Signal handler: the cookies of a session that was renewed with this request."""
    if session := _renewed.get():
        late = web.Response()  # aiohttp has read the cookies of the answer itself by now
        set_cookies(request, late, session)
        for cookie in late.cookies.values():
            answer.headers.add(hdrs.SET_COOKIE, cookie.OutputString())


def _reach(request: web.Request) -> _Reach:
    same_site = parts_of(request).settings.session_cookie_same_site
    return {"samesite": same_site, "secure": is_https(request) or same_site == "None"}
