"""Reading the service's log."""

import json
from typing import Any

TOKEN_START = "eyJhbGciOi"  #: Of every JWT, and long enough that no random id contains it.


def log_lines(log: str) -> list[dict[str, Any]]:
    """The lines of a log, each of which must be a JSON object; without one that is still being written."""
    complete, _, _ = log.rpartition("\n")
    lines = [json.loads(line) for line in complete.splitlines()]
    assert all(isinstance(line, dict) for line in lines)
    return lines


def requests(log: str) -> list[dict[str, Any]]:
    """The lines about requests."""
    return [line for line in log_lines(log) if line["event"] == "request"]


def causes(log: str, user_id: str) -> set[str]:
    """Why streams of a user have ended."""
    ended = (line for line in log_lines(log) if line["event"] == "stream_closed")
    return {line["cause"] for line in ended if line["user_id"] == user_id}


def assert_nothing_crashed(log: str) -> None:
    """Nothing was caught by the last net, where it is only logged."""
    crashed = [
        line
        for line in log_lines(log)
        if line["event"].endswith(("_crashed", "reaction_failed", "listener_failed"))
    ]
    assert not crashed, crashed[0]


def assert_no_secret(log: str, *secrets: str) -> None:
    """No token, no cookie, and none of these secrets."""
    for secret in (TOKEN_START, "dormparty_session=", "Bearer", *secrets):
        assert secret not in log
