"""/api/admin: what operators see and do. Everything here needs the admin token."""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import wraps
from typing import Annotated, Any

from aiohttp import web
from pydantic import BeforeValidator, Field
from pydantic.alias_generators import to_camel

from dormparty_sse.domain.errors import Forbidden, Unauthenticated
from dormparty_sse.domain.models import UserRef
from dormparty_sse.domain.names import DEFAULT_POOL
from dormparty_sse.domain.queries import Order
from dormparty_sse.domain.states import State
from dormparty_sse.store.cursors import MOST_ITEMS
from dormparty_sse.store.statistics import MOST_MINUTES
from dormparty_sse.web.bodies import Pool, PoolBody, read_body
from dormparty_sse.web.handlers import json_answer
from dormparty_sse.web.parts import parts_of
from dormparty_sse.web.rate_limits import count_wrong_admin_token
from dormparty_sse.web.sessions import bearer_token

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# A query has only text, so its numbers are read from that.
Limit = Annotated[int, Field(strict=False, ge=1, le=MOST_ITEMS)]
Minutes = Annotated[int, Field(strict=False, ge=1, le=MOST_MINUTES)]
Cursor = Annotated[str, Field(json_schema_extra={"format": "cursor"})]


class PageQuery(PoolBody):
    """GET queue: which page."""

    limit: Limit = 100
    cursor: Cursor | None = None


class UsersQuery(PageQuery):
    """GET users: who. No state, or an empty one, means all of them."""

    state: Annotated[State | None, Field(strict=False), BeforeValidator(lambda text: text or None)] = None
    order: Annotated[Order, Field(strict=False)] = Order.OLDEST
    older_than_s: Annotated[float | None, Field(strict=False, ge=0, le=604_800)] = None


class MinutesQuery(PoolBody):
    """GET statistics: how far back."""

    minutes: Minutes = 60


class ReasonBody(PoolBody):
    """Whatever an operator does may have a reason, which is logged."""

    reason: Annotated[str, Field(max_length=200)] = ""


class TransitionBody(ReasonBody):
    """POST users/{id}/transition."""

    to: Annotated[State, Field(strict=False)]


class CleanupPoolBody(ReasonBody):
    """POST cleanup: which pool has to be said."""

    pool: Pool


def for_operators(handler: Handler) -> Handler:
    """Raises Unauthenticated without the admin token, with another one Forbidden, or soon RateLimited."""

    @wraps(handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        token = bearer_token(request)
        if not token:
            raise Unauthenticated("This needs the admin token.")
        given = token.encode(errors="surrogateescape")  # bytes that are no text come as surrogates
        if not hmac.compare_digest(given, parts_of(request).settings.admin_token.encode()):
            await count_wrong_admin_token(request)
            raise Forbidden
        return await handler(request)

    return guarded


async def overview(request: web.Request) -> web.Response:
    """GET overview: counts, who has waited longest, rates and durations."""
    query = await read_body(request, PoolBody)
    return record_answer(await parts_of(request).statistics.overview(pool_of(query)))


async def statistics(request: web.Request) -> web.Response:
    """GET statistics: the last minutes, one by one."""
    query = await read_body(request, MinutesQuery)
    minutes = await parts_of(request).statistics.minutes(pool_of(query), query.minutes)
    return record_answer({"minutes": minutes})


async def users(request: web.Request) -> web.Response:
    """GET users: those in a state, or all, by how long they have been in their state."""
    query = await read_body(request, UsersQuery)
    older_than_ms = None if query.older_than_s is None else round(query.older_than_s * 1000)
    page = await parts_of(request).queries.users_in(
        pool_of(query),
        query.state,
        order=query.order,
        limit=query.limit,
        older_than_ms=older_than_ms,
        cursor=query.cursor,
    )
    return record_answer({"users": page.items, "cursor": page.cursor})


async def user(request: web.Request) -> web.Response:
    """GET users/{id}: metadata and timeline."""
    query = await read_body(request, PoolBody)
    return record_answer(await parts_of(request).queries.user(user_of(request, query)))


async def queue(request: web.Request) -> web.Response:
    """GET queue: the users free to be matched, who comes first first."""
    query = await read_body(request, PageQuery)
    page = await parts_of(request).queries.queue(pool_of(query), limit=query.limit, cursor=query.cursor)
    return record_answer({"users": page.items, "cursor": page.cursor})


async def audit(request: web.Request) -> web.Response:
    """GET audit: the invariants, each with its violations."""
    query = await read_body(request, PoolBody)
    return json_answer((await parts_of(request).auditor.audit(pool_of(query))).as_answer())


async def repair(request: web.Request) -> web.Response:
    """POST repair: mends what the audit finds, and says what that was."""
    body = await read_body(request, PoolBody)
    return json_answer(await parts_of(request).repairer.repair(pool_of(body)))


async def sync_room_states(request: web.Request) -> web.Response:
    """GET: what the last reconciliation saw and mended. POST: runs one now."""
    sync = parts_of(request).sync
    return json_answer(await (sync.run() if request.method == "POST" else sync.last_report()))


async def transition(request: web.Request) -> web.Response:
    """POST users/{id}/transition: leads a user to a state, whatever it takes."""
    body = await read_body(request, TransitionBody)
    administration = parts_of(request).administration
    return json_answer(await administration.transition(user_of(request, body), body.to, body.reason))


async def rooms(request: web.Request) -> web.Response:
    """GET rooms: those of a pool, and who is in each."""
    query = await read_body(request, PageQuery)
    page = await parts_of(request).occupancy.rooms(pool_of(query), limit=query.limit, cursor=query.cursor)
    return record_answer({"rooms": page.items, "cursor": page.cursor})


async def delete_room(request: web.Request) -> web.Response:
    """DELETE rooms/{name}: ends the match in it, too."""
    body = await read_body(request, ReasonBody)
    name = request.match_info["name"]
    return json_answer(await parts_of(request).administration.delete_room(name, body.reason))


async def cleanup_user(request: web.Request) -> web.Response:
    """POST users/{id}/cleanup: removes a user, whatever state its record is in."""
    body = await read_body(request, ReasonBody)
    return json_answer(
        await parts_of(request).administration.cleanup_user(user_of(request, body), body.reason)
    )


async def cleanup_pool(request: web.Request) -> web.Response:
    """POST cleanup: removes everybody and everything of a pool."""
    body = await read_body(request, CleanupPoolBody)
    return json_answer(await parts_of(request).administration.cleanup_pool(body.pool, body.reason))


def pool_of(body: PoolBody) -> str:
    """The pool that is meant."""
    return body.pool or DEFAULT_POOL


def user_of(request: web.Request, body: PoolBody) -> UserRef:
    """The user in the path."""
    return UserRef(user_id=request.match_info["id"], pool=pool_of(body))


def record_answer(record: object) -> web.Response:
    """An answer whose members are those of a record, in camelCase."""
    return json_answer(_view(record))


def _view(value: Any) -> Any:
    """As JSON has it: a record's members in camelCase, what maps ids or words by just those."""
    if is_dataclass(value):
        return {to_camel(field.name): _view(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _view(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_view(item) for item in value]
    return value
