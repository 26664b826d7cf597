"""The OpenAPI 3.1 document, made from the routes and from the types that the handlers themselves use."""

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

import dormparty_sse
from dormparty_sse.domain.errors import (
    Barred,
    ChallengeRequired,
    DormPartyError,
    InvalidRequest,
    InvalidState,
    InvalidTransition,
    SkipCooldown,
    TryLater,
    UnknownUser,
)
from dormparty_sse.web import answers
from dormparty_sse.web.bodies import Body
from dormparty_sse.web.operations import JSON, Access, Reply, Route, errors_of

ROUTES = web.AppKey("routes", tuple[Route, ...])

Json = dict[str, Any]

_REF = "#/components/schemas/{model}"
_PROBLEM_JSON = "application/problem+json"
_DESCRIPTION = """Anonymous one-to-one random video chat: POST actions, and a stream of events for each user.

Bodies may be empty where nothing in them is required, and may be sent as text/plain too, as sendBeacon does.
Times are in milliseconds since the epoch. Clients must take members that they do not know."""

#: The shape of problems that have more to tell. A subclass of an error has the shape of its parent.
_PROBLEMS: dict[type[DormPartyError], type[answers.Problem]] = {
    InvalidRequest: answers.InvalidRequestProblem,
    InvalidTransition: answers.InvalidTransitionProblem,
    InvalidState: answers.InvalidStateProblem,
    UnknownUser: answers.UnknownUserProblem,
    Barred: answers.BarredProblem,
    ChallengeRequired: answers.ChallengeProblem,
    SkipCooldown: answers.SkipCooldownProblem,
}

_SECURITY: dict[Access, list[Json]] = {
    Access.ANYBODY: [],
    Access.SESSION: [{"session": []}, {"sessionCookie": []}],
    Access.MAYBE_SESSION: [{}, {"session": []}, {"sessionCookie": []}],
    Access.ADMIN: [{"admin": []}],
    Access.LIVEKIT: [{"livekit": []}],
}

_SECURITY_SCHEMES: Json = {
    "session": {"type": "http", "scheme": "bearer", "description": "The token of POST /api/session."},
    "sessionCookie": {"type": "apiKey", "in": "cookie", "name": "dormparty_session"},
    "admin": {"type": "http", "scheme": "bearer", "description": "The ADMIN_TOKEN."},
    "livekit": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "LiveKit's signature of the body.",
    },
}

_REQUEST_ID = {"X-Request-Id": {"required": True, "schema": {"type": "string"}}}
_RETRY_AFTER = {"Retry-After": {"required": True, "schema": {"type": "integer"}, "description": "Seconds."}}


async def openapi(request: web.Request) -> web.Response:
    """GET /api/openapi.json."""
    return web.Response(
        body=_encoded(request.app[ROUTES]), content_type=JSON, headers={"Cache-Control": "no-cache"}
    )


def document(routes: Iterable[Route]) -> Json:
    """The document for these routes."""
    routes = tuple(routes)
    paths: dict[str, Json] = defaultdict(dict)
    schemas = _Schemas(routes)
    for route in routes:
        for path in route.paths:
            paths[path][route.method.lower()] = _operation(route, path, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "DormParty SSE", "version": dormparty_sse.__version__, "description": _DESCRIPTION},
        "paths": dict(paths),
        "components": {"schemas": schemas.all, "securitySchemes": _SECURITY_SCHEMES},
    }


def problem_model(error: type[DormPartyError]) -> type[answers.Problem]:
    """The shape of an error's problem answer."""
    found = (_PROBLEMS[kind] for kind in error.__mro__ if kind in _PROBLEMS)
    return next(found, answers.Problem)


@cache
def _encoded(routes: tuple[Route, ...]) -> bytes:
    return orjson.dumps(document(routes))


class _Schemas:
    """The schemas of all models, each under its name."""

    def __init__(self, routes: Iterable[Route]) -> None:
        models: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {}
        problems: list[type[BaseModel]] = [answers.Problem, *_PROBLEMS.values()]
        for problem in problems:
            models[problem, "serialization"] = None
        for route in routes:
            operation = route.operation
            if operation.takes and route.method != "GET":
                models[operation.takes, "validation"] = None
            for reply in operation.replies:
                if reply.model:
                    models[reply.model, "serialization"] = None
        self._refs, definitions = models_json_schema(list(models), ref_template=_REF)
        self.all: Json = definitions["$defs"]

    def of(self, model: type[BaseModel], mode: JsonSchemaMode = "serialization") -> Json:
        """A reference to a model's schema."""
        return dict(self._refs[model, mode])


def _operation(route: Route, path: str, schemas: _Schemas) -> Json:
    operation = route.operation
    described: Json = {
        "operationId": _operation_id(route.method, path),
        "summary": operation.summary,
        "tags": [_tag(path)],
        "security": _SECURITY[operation.access],
        "parameters": [
            *_path_parameters(path),
            *_query(route),
            *({"name": name, "in": "header", "schema": {"type": "string"}} for name in operation.headers),
        ],
        "responses": _responses(route, schemas),
    }
    if body := _body(route, schemas):
        described["requestBody"] = body
    return described


def _operation_id(method: str, path: str) -> str:
    words = re.findall(r"[a-z]+", path.removeprefix("/api"))
    return "_".join([method.lower(), *words])


def _tag(path: str) -> str:
    if path.startswith(("/api/admin/", "/api/sync-room-states")):
        return "operators"
    if path.startswith("/api/") and not path.startswith(("/api/livekit", "/api/openapi")):
        return "people"
    return "machines"


def _path_parameters(path: str) -> list[Json]:
    schema = {"type": "string", "minLength": 1}
    names = re.findall(r"{(\w+)}", path)
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in names]


def _query(route: Route) -> list[Json]:
    """A GET's query; with any other method a user may name itself there."""
    takes = route.operation.takes
    if route.method != "GET":
        takes = Body if route.operation.access is Access.SESSION else None
    if takes is None:
        return []
    schema = takes.model_json_schema()
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "schema": _as_text(_inlined(member, schema)),
        }
        for name, member in schema["properties"].items()
    ]


def _inlined(member: Json, schema: Json) -> Json:
    """Without references to the schema's own definitions."""
    options = [_inlined(option, schema) for option in member.get("anyOf", ())]
    if "$ref" in member:
        return {**schema["$defs"][member["$ref"].rpartition("/")[2]], **_without(member, "$ref")}
    return {**member, "anyOf": options} if options else member


def _as_text(schema: Json) -> Json:
    """A query has no null: what may be null is left out there."""
    options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    if len(options) == 1:
        schema = {**_without(schema, "anyOf"), **options[0]}
    return {name: value for name, value in schema.items() if (name, value) != ("default", None)}


def _body(route: Route, schemas: _Schemas) -> Json | None:
    operation = route.operation
    if operation.takes_anything:
        return {"required": True, "content": {"application/webhook+json": {"schema": {"type": "object"}}}}
    if operation.takes is None or route.method == "GET":
        return None
    is_required = any(field.is_required() for field in operation.takes.model_fields.values())
    content = {JSON: {"schema": schemas.of(operation.takes, "validation")}}
    return {"required": is_required, "content": content}


def _responses(route: Route, schemas: _Schemas) -> Json:
    by_status: dict[int, Json] = {}
    for reply in route.operation.replies:
        response = by_status.setdefault(reply.status, _response(reply.status))
        if reply.status != HTTPStatus.NO_CONTENT:
            response["content"][reply.content_type] = {"schema": _of_reply(reply, schemas)}
    problems: dict[int, list[type[DormPartyError]]] = defaultdict(list)
    for error in errors_of(route):
        problems[error.status].append(error)
    for status, errors in problems.items():
        response = by_status.setdefault(status, _response(status))
        response["content"][_PROBLEM_JSON] = {"schema": _of_problems(errors, schemas)}
        if all(issubclass(error, TryLater) for error in errors):
            response["headers"] = _REQUEST_ID | _RETRY_AFTER
    return {str(status): response for status, response in sorted(by_status.items())}


def _response(status: int) -> Json:
    return {"description": HTTPStatus(status).phrase, "headers": _REQUEST_ID, "content": {}}


def _of_reply(reply: Reply, schemas: _Schemas) -> Json:
    return schemas.of(reply.model) if reply.model else {"type": "string"}


def _of_problems(errors: Iterable[type[DormPartyError]], schemas: _Schemas) -> Json:
    codes: dict[type[answers.Problem], set[str]] = defaultdict(set)
    for error in errors:
        codes[problem_model(error)].add(error.code)
    options = [
        schemas.of(model) | {"properties": {"code": {"enum": sorted(of_model)}}}
        for model, of_model in codes.items()
    ]
    return options[0] if len(options) == 1 else {"anyOf": options}


def _without(schema: Json, name: str) -> Json:
    return {member: value for member, value in schema.items() if member != name}
