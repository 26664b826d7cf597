"""The connections of a process, before there is a request: too many, too slow, or with a head too large.

The connection of a stream is one until the stream takes it over; streams are counted by themselves.
"""

import asyncio
import secrets
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http import HttpProcessingError
from aiohttp.http_exceptions import LineTooLong

from dormparty_sse.services.rate_limits import AtOnce
from dormparty_sse.settings import Settings
from dormparty_sse.web.problems import head_problem
from dormparty_sse.web.proxies import is_among

log = structlog.get_logger()

_MAX_URL = 4_096  # bytes
_MAX_FIELD = 8_190  # bytes of a header's name and value
_MAX_FIELDS = 64
_MAX_HEAD = 64 * 1024  # bytes, while it is not there as a whole
_UNREAD_S = 2  # the rest of a body that nobody reads has so long, or the connection ends


class Doors:
    """Makes the protocol of each new connection."""

    def __init__(self, server: web.Server, settings: Settings, **options: Any) -> None:
        """`options` are those of aiohttp's own protocol."""
        self._server = server
        self._options = options
        self._loop = asyncio.get_running_loop()
        self._proxies = tuple(settings.proxy_networks)
        self.at_once = AtOnce(settings.connections_per_address)
        self.head_timeout_s = settings.request_timeout_s

    @property
    def requests_count(self) -> int:
        """How many requests there were; gunicorn asks."""
        return self._server.requests_count

    def __call__(self) -> "Door":
        """For a new connection."""
        return Door(
            self,
            self._server,
            loop=self._loop,
            max_line_size=_MAX_URL,
            max_field_size=_MAX_FIELD,
            max_headers=_MAX_FIELDS,
            lingering_time=_UNREAD_S,
            auto_decompress=False,  # nobody packs bodies, and little can unpack to much
            **self._options,
        )

    def is_proxy(self, address: str) -> bool:
        """Do many people come from there?"""
        return is_among(self._proxies, address)


class Door(web.RequestHandler):
    """One connection, as long as aiohttp has it."""

    __slots__ = ("_address", "_doors", "_head_bytes", "_head_timer", "_is_refused")

    def __init__(self, doors: Doors, server: web.Server, *, loop: asyncio.AbstractEventLoop, **options: Any):
        super().__init__(server, loop=loop, **options)
        self._doors = doors
        self._address: str | None = None  # where it is counted
        self._is_refused = False
        self._head_timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0  # of a head that is not there as a whole

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection, which may be one too many."""
        address = str((transport.get_extra_info("peername") or [""])[0])
        if not self._doors.is_proxy(address):
            if not self._doors.at_once.enter(address):
                self._is_refused = True
                transport.abort()  # type: ignore[attr-defined]  # it is one of a socket
                return
            self._address = address
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is closed, or a stream's."""
        if self._is_refused:
            return
        self._head_is_there()
        if self._address is not None:
            self._doors.at_once.leave(self._address)
            self._address = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A head, or a part of one, or of a body."""
        was_idle, requests = self._is_idle, self._request_count
        super().data_received(data)
        if self._request_count != requests:
            self._head_is_there()
        elif was_idle:
            self._head_bytes += len(data)
            if self._head_bytes > _MAX_HEAD:
                self._refuse_head()
            elif not self._head_timer:
                self._expect_head()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what is no request."""
        if not isinstance(exc, HttpProcessingError) or request.writer.output_size:
            return super().handle_error(request, status, exc, message)
        answer = _refusal(_status(exc), type(exc).__name__)
        answer.force_close()
        return answer

    @property
    def _is_idle(self) -> bool:
        """Is the next request waited for?"""
        # At first the task of the connection may not have begun to wait.
        return not self._request_count or (self._waiter is not None and not self._waiter.done())

    def _expect_head(self) -> None:
        self._head_timer = self._loop.call_later(self._doors.head_timeout_s, self._head_is_late)

    def _head_is_there(self) -> None:
        self._head_bytes = 0
        if self._head_timer:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self._is_idle:
            self.force_close()

    def _refuse_head(self) -> None:
        status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        answer = _refusal(status, "TooManyBytes")
        if self.transport is not None and isinstance(answer.body, bytes):
            headers = {**answer.headers, "Content-Length": str(len(answer.body)), "Connection": "close"}
            lines = [f"HTTP/1.1 {status} {status.phrase}", *map(": ".join, headers.items())]
            self.transport.write("\r\n".join([*lines, "", ""]).encode() + answer.body)
        self.force_close()


def _refusal(status: HTTPStatus, error: str) -> web.Response:
    """What is answered to a head that no handler gets to see."""
    request_id = secrets.token_hex(8)
    log.info("request_refused", request_id=request_id, status=int(status), error=error)
    return head_problem(status, request_id)


def _status(error: HttpProcessingError) -> HTTPStatus:
    if isinstance(error, LineTooLong):
        is_url = error.args[1] == _MAX_URL
        return HTTPStatus.REQUEST_URI_TOO_LONG if is_url else HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    if error.message.startswith("Too many headers"):
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    return HTTPStatus.BAD_REQUEST
