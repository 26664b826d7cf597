"""What a route is: its URLs, its handler, and what the schema says of it. A route cannot be made without."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web
from pydantic import BaseModel

from dormparty_sse.domain.errors import (
    BadRequest,
    Banned,
    DormPartyError,
    Forbidden,
    ForbiddenOrigin,
    HeadersTooLarge,
    InvalidRequest,
    PayloadTooLarge,
    RateLimited,
    RequestTimeout,
    StateAway,
    Unauthenticated,
    UriTooLong,
    UserMismatch,
)
from dormparty_sse.web.bodies import Body

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Errors = tuple[type[DormPartyError], ...]

JSON = "application/json"
EVENT_STREAM = "text/event-stream"


class Access(StrEnum):
    """Whose a route is."""

    ANYBODY = "anybody"
    SESSION = "session"  #: A user's, by session token.
    MAYBE_SESSION = "maybe-session"  #: Anybody's; a user's session is made use of.
    ADMIN = "admin"  #: An operator's, by admin token.
    LIVEKIT = "livekit"  #: LiveKit's, by signature.


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is no problem. `model`: its JSON, or of an event stream one item; None: other text."""

    model: type[BaseModel] | None
    status: int = 200
    content_type: str = JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What the schema says of a route."""

    summary: str
    answer: type[BaseModel] | None  #: The JSON of a 200; None: `further` has all replies.
    access: Access = Access.SESSION
    takes: type[Body] | None = Body  #: A GET's query, another method's JSON body.
    takes_anything: bool = False  #: A body that is not ours to describe.
    headers: tuple[str, ...] = ()  #: Of the request, beyond the usual.
    further: tuple[Reply, ...] = ()
    problems: Errors = ()  #: Beyond those that everything of its kind may answer.
    needs_state: bool = True  #: Can it not do without Redis?
    is_limited: bool = True  #: Does it count against the rate limits?

    @property
    def replies(self) -> tuple[Reply, ...]:
        """All answers that are no problems."""
        return ((Reply(self.answer),) if self.answer else ()) + self.further


@dataclass(frozen=True, slots=True)
class Route:
    """One handler, by one method, under one or more paths."""

    method: str
    paths: tuple[str, ...]
    handler: Handler
    operation: Operation
    allows_head: bool = True  #: Of a GET: is HEAD answered too?


def errors_of(route: Route) -> Errors:
    """Every error that the route may answer."""
    operation, changes = route.operation, route.method != "GET"
    errors: list[type[DormPartyError]] = [
        DormPartyError,
        BadRequest,
        UriTooLong,
        HeadersTooLarge,
        *operation.problems,
    ]
    if operation.is_limited:
        errors.append(RateLimited)
    if operation.needs_state:
        errors.append(StateAway)
    if operation.takes is not None:
        errors.append(InvalidRequest)
    if operation.takes_anything or (operation.takes is not None and changes):
        errors += [PayloadTooLarge, RequestTimeout]
    match operation.access:
        case Access.SESSION:
            errors += [Unauthenticated, UserMismatch, Banned]
        case Access.ADMIN:
            errors += [Unauthenticated, Forbidden]
    if changes or operation.access is Access.SESSION:
        errors.append(ForbiddenOrigin)
    return tuple(errors)
