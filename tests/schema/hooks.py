"""What schemathesis has to know of this service, beside its schema. It loads this by SCHEMATHESIS_HOOKS."""

import schemathesis
from hypothesis import strategies as st

from dormparty_sse.store.cursors import write_cursor

# A cursor is opaque, and of one question. Any other is refused, which the schema cannot say.
schemathesis.openapi.format("cursor", st.just(write_cursor("queue", 0, "")))

_STREAMS = ("/api/matching/events", "/api/sse")


@schemathesis.hook
def before_call(
    context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, object]
) -> None:
    """A stream would have no end: it is asked for by polls."""
    if case.operation.path in _STREAMS and case.method == "GET" and "poll" not in case.query:
        case.query["poll"] = "1"
