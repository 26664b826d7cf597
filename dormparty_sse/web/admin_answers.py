"""What operators are answered with, as the schema shows it. Most of it is the records of the domain."""

from typing import Any, Literal

from pydantic import ConfigDict, Field, RootModel
from pydantic.alias_generators import to_camel

from dormparty_sse.domain.audit import Finding
from dormparty_sse.domain.audit import Kind as Subject
from dormparty_sse.domain.discrepancies import Discrepancy
from dormparty_sse.domain.moderation import Report, Verdict
from dormparty_sse.domain.queries import InLine, Minute, Overview, RoomOccupancy, UserDetails, UserSince
from dormparty_sse.domain.states import State
from dormparty_sse.web.answers import Answer

_RECORD = ConfigDict(alias_generator=to_camel)


class OverviewAnswer(RootModel[Overview]):
    """The pool at a glance."""

    model_config = _RECORD


class UserDetailsAnswer(RootModel[UserDetails]):
    """All that is known of a user."""

    model_config = _RECORD


class StatisticsAnswer(Answer):
    """The last minutes, earliest first."""

    minutes: list[Minute]


class PageAnswer(Answer):
    """Some of the items. `cursor` asks for what comes after them; null: that is all."""

    cursor: str | None


class UsersAnswer(PageAnswer):
    """Users, by how long they have been in their state."""

    users: list[UserSince]


class QueueAnswer(PageAnswer):
    """Users free to be matched, who comes first first."""

    users: list[InLine]


class RoomsAnswer(PageAnswer):
    """Rooms, and who is in each."""

    rooms: list[RoomOccupancy]


class AuditAnswer(Answer):
    """The invariants, each with what violates it."""

    ok: bool
    pool: str
    rooms_checked: bool
    complete: bool
    invariants: dict[str, list[str]]
    findings: list[Finding]


class Repaired(Answer):
    """A finding of the audit, and what was done about it."""

    invariant: str
    kind: Subject
    id: str
    sentence: str
    repairs: list[str]


class RepairAnswer(Answer):
    """What was found and mended. `complete`: was everything found that is wrong?"""

    pool: str
    complete: bool
    findings: list[Repaired]


class StepTaken(Answer):
    """One step of a user."""

    user_id: str
    from_: State = Field(alias="from")
    to: State
    seq: int


class TransitionAnswer(Answer):
    """Where the user is now, and the steps that led there."""

    user_id: str
    state: State
    transitions: list[StepTaken]


class CleanupUserAnswer(Answer):
    """Who was removed, and the steps that this took."""

    user_id: str
    transitions: list[StepTaken]


class CleanupPoolAnswer(Answer):
    """How many users were removed."""

    pool: str
    removed: int


class DeleteRoomAnswer(Answer):
    """Which room was deleted, and the steps that this took."""

    room_name: str
    transitions: list[StepTaken]


class SyncAnswer(Answer):
    """What a comparison of LiveKit's rooms with Redis saw and mended. `beganAt`: null if there was none."""

    began_at: int | None
    duration_ms: float
    livekit: Literal["up", "down"]
    rooms: int
    foreign_rooms: int
    matches: int
    looked_into: int
    counts: dict[str, int]
    findings: list[Discrepancy]


class ReportsAnswer(PageAnswer):
    """What people reported, the oldest first."""

    reports: list[Report]


class TrailEntry(Answer):
    """What a moderator did, and to whom. `action`: resolve, ban or unban."""

    at: int
    moderator: str
    action: str
    user_id: str
    reason: str | None = None
    until: int | None = None
    report_id: str | None = None
    verdict: Verdict | None = None
    note: str | None = None


class TrailAnswer(PageAnswer):
    """What moderators did, the newest first."""

    entries: list[TrailEntry]


class ResolveAnswer(Answer):
    """The verdict that holds: an earlier one, if there was one."""

    report_id: str
    outcome: Verdict
    user_id: str


class BanAnswer(Answer):
    """Until when the user is kept out. `device`: and whoever comes with its device?"""

    user_id: str
    until: int
    device: bool


class UnbanAnswer(Answer):
    """Was the user kept out before?"""

    user_id: str
    was_barred: bool


class AliveAnswer(Answer):
    """This process is alive."""

    status: Literal["alive"]


class PartState(Answer):
    """Does it answer, and how soon? Without an answer `detail` says why."""

    state: Literal["up", "down"]
    latency_ms: float | None = None
    detail: str | None = None


class RedisState(PartState):
    """And what has become of the connection: `latencyMs`, `lastError` are the last ones there were."""

    connection: str
    since: int
    last_error: str | None
    reconnects: int


class ReadyAnswer(Answer):
    """Redis and LiveKit."""

    ready: bool
    redis: RedisState
    livekit: PartState
    hold_reason: str | None


class SchemaAnswer(RootModel[dict[str, Any]]):
    """This document."""
