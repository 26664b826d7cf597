"""/api/admin: what moderators see and do."""

from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, StringConstraints

from dormparty_sse.domain.moderation import Verdict
from dormparty_sse.web.admin import PageQuery, pool_of, record_answer, user_of
from dormparty_sse.web.bodies import PoolBody, read_body
from dormparty_sse.web.handlers import json_answer
from dormparty_sse.web.parts import parts_of

Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Text = Annotated[str, StringConstraints(max_length=500)]
_A_MOMENT_S = 0.001  # Redis counts in ms
_TEN_YEARS_S = 315_360_000


class ReportsQuery(PageQuery):
    """GET reports: which."""

    status: Literal["open", "resolved"] = "open"


class ModeratorBody(PoolBody):
    """Whatever a moderator does has the moderator's name, for the trail."""

    moderator: Name = "admin"


class DurationBody(ModeratorBody):
    """For how long a ban lasts; None: as the settings say."""

    duration_seconds: Annotated[float | None, Field(ge=_A_MOMENT_S, le=_TEN_YEARS_S)] = None


class ResolveBody(DurationBody):
    """POST reports/{id}/resolve."""

    outcome: Annotated[Verdict, Field(strict=False)]
    note: Text = ""


class BanBody(DurationBody):
    """POST users/{id}/ban."""

    reason: Text = ""
    device: bool = True  #: Also whoever comes with the same device.


class UnbanBody(ModeratorBody):
    """POST users/{id}/unban."""

    reason: Text = ""


async def reports(request: web.Request) -> web.Response:
    """GET reports: those without a verdict, or with one, the oldest first."""
    query = await read_body(request, ReportsQuery)
    page = await parts_of(request).moderation.reports(
        pool_of(query), resolved=query.status == "resolved", limit=query.limit, cursor=query.cursor
    )
    return record_answer({"reports": page.items, "cursor": page.cursor})


async def trail(request: web.Request) -> web.Response:
    """GET trail: what moderators did, the newest first."""
    query = await read_body(request, PageQuery)
    page = await parts_of(request).moderation.trail(pool_of(query), limit=query.limit, cursor=query.cursor)
    return record_answer({"entries": page.items, "cursor": page.cursor})


async def resolve(request: web.Request) -> web.Response:
    """POST reports/{id}/resolve: a verdict."""
    body = await read_body(request, ResolveBody)
    answer = await parts_of(request).moderation.resolve(
        pool_of(body),
        request.match_info["id"],
        body.outcome,
        by=body.moderator,
        note=body.note,
        ban_s=_ban_s(request, body),
    )
    return json_answer(answer)


async def ban(request: web.Request) -> web.Response:
    """POST users/{id}/ban: keeps a user out, and its device."""
    body = await read_body(request, BanBody)
    answer = await parts_of(request).moderation.ban(
        user_of(request, body),
        body.reason,
        by=body.moderator,
        ban_s=_ban_s(request, body),
        with_device=body.device,
    )
    return json_answer(answer)


async def unban(request: web.Request) -> web.Response:
    """POST users/{id}/unban: lets a user and its device in again."""
    body = await read_body(request, UnbanBody)
    moderation = parts_of(request).moderation
    return json_answer(await moderation.unban(user_of(request, body), body.reason, by=body.moderator))


def _ban_s(request: web.Request, body: DurationBody) -> float:
    return body.duration_seconds or parts_of(request).settings.ban_s
