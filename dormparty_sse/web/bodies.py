"""Reading what a client sends: time, size, JSON, types, and that it speaks for itself."""

import asyncio
from typing import Annotated, Any, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from dormparty_sse.domain.errors import InvalidRequest, NotJson, PayloadTooLarge, RequestTimeout, UserMismatch
from dormparty_sse.domain.models import GateAnswer, UserRef
from dormparty_sse.domain.moderation import Offence
from dormparty_sse.domain.names import POOL_PATTERN
from dormparty_sse.web.parts import parts_of

MAX_BODY = 16 * 1024

Id = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Pool = Annotated[str, StringConstraints(pattern=rf"^{POOL_PATTERN}$")]
Interest = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, min_length=1, max_length=40)
]


class Body(BaseModel):
    """A JSON object. Unknown members are ignored, wrong types are not coerced."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", strict=True)

    user_id: Id | None = None  #: Older clients send it; it must be the session's own.


class PoolBody(Body):
    """POST /api/session and what operators ask: which pool is meant."""

    pool: Pool | None = None


class SessionBody(PoolBody):
    """POST /api/session: with the answer to a challenge, where one is asked for."""

    challenge: Annotated[str, StringConstraints(max_length=64)] | None = None
    solution: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,16}$")] | None = None
    gate_token: Annotated[str, StringConstraints(min_length=1, max_length=8192)] | None = None

    @property
    def gate_answer(self) -> GateAnswer:
        """What it says to the gate."""
        return GateAnswer(challenge=self.challenge, solution=self.solution, token=self.gate_token)


class EnqueueBody(Body):
    """POST enqueue."""

    interests: Annotated[list[Interest], Field(max_length=20)] = []


class MatchBody(Body):
    """POST skip, end, check-match and check-disconnect: which match is meant."""

    session_id: Id | None = None


class BlockBody(Body):
    """POST block: whom the user met there."""

    session_id: Id


class ReportBody(BlockBody):
    """POST report."""

    reason: Annotated[Offence, Field(strict=False)]
    details: Annotated[str, StringConstraints(max_length=500)] = ""


class RoomBody(Body):
    """POST room-close-ack."""

    room_name: Id


B = TypeVar("B", bound=Body)


async def read_body(request: web.Request, model: type[B]) -> B:
    """The body, or for a GET the query, as `model`; an empty one is an empty object.

    Raises RequestTimeout, PayloadTooLarge, NotJson or InvalidRequest.
    """
    if request.method in ("GET", "HEAD"):
        return _validate(model, dict(request.query))
    if (request.content_length or 0) > MAX_BODY:
        raise PayloadTooLarge
    raw = await read_in_time(request)
    if len(raw) > MAX_BODY:
        raise PayloadTooLarge
    return _validate(model, _parse(raw))


async def read_in_time(request: web.Request) -> bytes:
    """The raw body. Raises RequestTimeout if it does not come."""
    try:
        async with asyncio.timeout(parts_of(request).settings.request_timeout_s):
            return await request.read()
    except TimeoutError as error:
        raise RequestTimeout from error


async def read_own_body(request: web.Request, model: type[B], user: UserRef) -> B:
    """Like `read_body`. Raises UserMismatch if it names another user."""
    body = await read_body(request, model)
    named = {body.user_id, request.query.get("userId")} - {None}
    if named - {user.user_id}:
        raise UserMismatch
    return body


def _parse(raw: bytes) -> dict[str, Any]:
    if not raw.strip():
        return {}
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise NotJson from error
    if not isinstance(data, dict):
        raise NotJson
    return data


def _validate(model: type[B], data: dict[str, Any]) -> B:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise InvalidRequest(
            errors=[
                {"field": ".".join(map(str, item["loc"])), "message": item["msg"]}
                for item in error.errors(include_url=False, include_input=False, include_context=False)
            ]
        ) from error
