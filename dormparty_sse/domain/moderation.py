"""What people report each other for, and what moderators do about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self


class Offence(StrEnum):
    """What somebody is reported for."""

    NUDITY = "nudity"
    HARASSMENT = "harassment"
    HATE = "hate"
    VIOLENCE = "violence"
    MINOR = "minor"  #: Seems to be a child.
    SPAM = "spam"
    OTHER = "other"


class Verdict(StrEnum):
    """What a moderator makes of a report."""

    DISMISSED = "dismissed"  #: It does not count; a suspension that rests on it ends.
    UPHELD = "upheld"  #: It is true; a suspension runs on.
    BANNED = "banned"  #: It is true, and whom it is about is banned.


class BarKind(StrEnum):
    """How somebody is kept out."""

    SUSPENDED = "suspended"  #: By reports, for a while or until a moderator has decided.
    BANNED = "banned"  #: By a moderator.


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Why somebody is kept out, and until when."""

    kind: BarKind
    reason: str
    until: int  #: ms since the epoch.
    origin: str = ""  #: The pool whose reports a suspension rests on.

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """A bar from what a script, or the JSON in Redis, says of it."""
        return cls(
            kind=BarKind(fields["kind"]),
            reason=fields["reason"],
            until=fields["until"],
            origin=fields.get("origin", ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one user told the moderators of another."""

    report_id: str
    reporter_id: str
    user_id: str  #: Whom it is about.
    session_id: str  #: Where they met.
    reason: Offence
    details: str  #: In the reporter's own words; empty where there are none.
    at: int  #: ms since the epoch.
    verdict: Verdict | None  #: None: no moderator has looked at it.
    moderator: str | None
    note: str | None
    resolved_at: int | None  #: ms since the epoch.
