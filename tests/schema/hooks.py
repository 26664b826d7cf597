"""What schemathesis has to know of this service, beside its schema. It loads this by SCHEMATHESIS_HOOKS."""

import os
import re
from typing import Any

import schemathesis
from hypothesis import strategies as st

from dormparty_sse.domain.names import POOL_PATTERN
from dormparty_sse.store.cursors import write_cursor

Case = schemathesis.Case[Any]

_STREAMS = ("/api/matching/events", "/api/sse")
_A_CURSOR = write_cursor("any", 0, "")
_SHORT_ID = re.compile(".{1,64}", re.DOTALL)
_TOKEN, _ANOTHER_TOKEN = os.environ["SCHEMA_TOKEN"], os.environ["SCHEMA_ANOTHER_TOKEN"]
_USER_ID, _POOL = os.environ["SCHEMA_USER"].split()
_KNOWN = {"userId": _USER_ID, "id": _USER_ID, "pool": _POOL}

schemathesis.openapi.format("cursor", st.just(_A_CURSOR))


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: Case, _kwargs: dict[str, Any]) -> None:
    """Has polls in place of streams, which have no end; cursors of the right list; and often real names.

    The user whom all of this is about is neither signed out nor banned: somebody else is.
    """
    query = case.query
    if case.path == "/api/session" and case.method == "DELETE":
        _sign_another_out(case)
    if case.path in _STREAMS and case.method == "GET" and query.get("poll", "0") == "0":
        query["poll"] = "1"
    if query.get("cursor") == _A_CURSOR:
        query["cursor"] = write_cursor(_question(case), 0, "")
    for members in (
        (query, case.body) if case.path.endswith("/ban") else (query, case.path_parameters, case.body)
    ):
        for name, value in _KNOWN.items():
            _name(members, name, value)


def _sign_another_out(case: Case) -> None:
    for members in (case.headers, case.cookies):
        for name, value in members.items():
            members[name] = str(value).replace(_TOKEN, _ANOTHER_TOKEN)


def _question(case: Case) -> str:
    """A cursor is of one list alone."""
    name = case.path.rpartition("/")[2]
    if name == "reports":
        return f"reports:{case.query.get('status', 'open')}"
    if name != "users":
        return name
    return f"users:{case.query.get('state') or 'ANY'}:{case.query.get('order', 'oldest')}"


def _name(members: object, name: str, value: str) -> None:
    """A short name, of nobody, becomes one that is known. What is no name stays that."""
    given = members.get(name) if isinstance(members, dict) else None
    if not isinstance(members, dict) or not isinstance(given, str):
        return
    if re.fullmatch(POOL_PATTERN if name == "pool" else _SHORT_ID, given):
        members[name] = value
