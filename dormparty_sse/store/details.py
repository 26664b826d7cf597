"""One user's record, typed, for operators. They look at damaged ones too: a number that is none is None."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from dormparty_sse.domain.models import Commit
from dormparty_sse.domain.queries import Flag, TimelineEntry, UserCounters, UserDetails
from dormparty_sse.store.devices import read_bar

_NUMBER = re.compile(r"\d{1,15}", re.ASCII)  # whatever a script writes, and JSON can tell


def user_details(user_id: str, commit: Commit, *, unreachable_after_ms: int) -> UserDetails:
    """What `user_show.lua` found."""
    data = dict(commit.fields["user"])
    seen = commit.fields.get("lastSeenAt")
    is_unreachable = seen is None or seen < commit.now - unreachable_after_ms
    flags = _flags(data, unreachable=is_unreachable)
    return UserDetails(
        user_id=user_id,
        state=data.pop("state", None),
        seq=_number(data.pop("seq", None)),
        since=_number(data.pop("since", None)),
        previous_state=data.pop("previousState", None),
        last_reason=data.pop("lastReason", None),
        joined_queue_at=_number(data.pop("joinedQueueAt", None)),
        current_room=data.pop("currentRoom", None),
        matched_with=data.pop("matchedWith", None),
        session_id=data.pop("sessionId", None),
        room_joined_at=_number(data.pop("roomJoinedAt", None)),
        last_action=data.pop("lastAction", None),
        last_action_at=_number(data.pop("lastActionAt", None)),
        counters=_counters(data),
        flags=flags,
        bar=read_bar(commit.fields["bar"]) if "bar" in commit.fields else None,
        last_seen_at=seen,
        created_at=_number(data.pop("createdAt", None)),
        timeline=tuple(_entry(event_id, event) for event_id, event in commit.fields["timeline"]),
        further=data,
    )


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and _NUMBER.fullmatch(text) else None


def _flags(data: Mapping[str, str], *, unreachable: bool) -> tuple[Flag, ...]:
    true_of = {
        Flag.RESERVED: "reservation" in data,
        Flag.UNREACHABLE: unreachable,
        Flag.FORCED: data.get("forced") == "1",
    }
    return tuple(flag for flag, is_true in true_of.items() if is_true)


def _counters(data: dict[str, str]) -> UserCounters:
    """Takes them out of the record. Redis has a counter from its first count on."""
    calls, call_ms = (_number(data.pop(name, "0")) for name in ("calls", "callMs"))
    average = None if calls is None or call_ms is None else round(call_ms / max(calls, 1))
    return UserCounters(
        matches=_number(data.pop("matches", "0")),
        skips=_number(data.pop("skips", "0")),
        ends=_number(data.pop("ends", "0")),
        calls=calls,
        total_call_ms=call_ms,
        average_call_ms=average,
    )


def _entry(event_id: str, text: str) -> TimelineEntry:
    event: dict[str, Any] = orjson.loads(text)
    return TimelineEntry(
        event_id=event_id,
        type=event["type"],
        timestamp=event["timestamp"],
        state=event.get("state"),
        seq=event.get("seq"),
        reason=event.get("reason"),
        session_id=event.get("sessionId"),
    )
