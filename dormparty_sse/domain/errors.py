"""Every error the service raises on purpose. The docstring of an error is its message.

`code` and `status` are those of the problem answer (RFC 9457) that a client gets.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from dormparty_sse.domain.moderation import Bar, BarKind


class DormPartyError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500

    def __init__(self, detail: str | None = None, **extra: Any) -> None:
        self.detail = detail or (self.__doc__ or "").strip()
        self.extra = extra  #: Further members of the problem answer.
        super().__init__(self.detail)


class SettingsError(DormPartyError):
    """A setting is missing or wrong."""


class Unauthenticated(DormPartyError):
    """This needs a session: POST /api/session gives one."""

    code = "unauthenticated"
    status = 401


class BadSignature(Unauthenticated):
    """The webhook is not signed by our LiveKit."""


class Forbidden(DormPartyError):
    """This is not yours to do."""

    code = "forbidden"
    status = 403


class UserMismatch(Forbidden):
    """The userId is not the one of this session."""

    code = "user_mismatch"


class ForbiddenOrigin(Forbidden):
    """A page of another origin may not act for this user."""

    code = "forbidden_origin"


class Barred(DormPartyError):
    """You are suspended while moderators look at reports about you."""

    code = "suspended"
    status = 403

    @classmethod
    def by(cls, bar: Bar) -> "Barred":
        """The error for somebody who is kept out like this; it has the `reason` and `until` when (ms)."""
        kind = Banned if bar.kind is BarKind.BANNED else cls
        return kind(reason=bar.reason, until=bar.until)


class Banned(Barred):
    """You are banned."""

    code = "banned"


class TryLater(DormPartyError):
    """Not now; try again later."""

    def __init__(self, detail: str | None = None, *, retry_after_s: int = 2, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.retry_after_s = retry_after_s  #: When to try again: the Retry-After of the problem answer.


class SkipCooldown(TryLater):
    """You have skipped too often: talk to this one, or end. The cooldown ends by itself."""

    code = "skip_cooldown"
    status = 429

    @classmethod
    def of(cls, *, now: int, until: int) -> Self:
        """The cooldown ends at `until`; both in ms since the epoch."""
        return cls(retry_after_s=max(1, math.ceil((until - now) / 1000)), cooldownUntil=until)


class UnknownSession(DormPartyError):
    """That session is none of your latest matches."""

    code = "not_found"
    status = 404


class UnknownReport(DormPartyError):
    """There is no such report in this pool."""

    code = "not_found"
    status = 404


class ChallengeRequired(Forbidden):
    """A new session is given to who answers a challenge: GET /api/session/challenge."""

    code = "challenge_required"


class ChallengeFailed(ChallengeRequired):
    """The answer to the challenge is wrong, too late, or was used before."""

    code = "challenge_failed"


class InvalidState(DormPartyError):
    """The user's state does not allow this action."""

    code = "invalid_state"
    status = 409


class InvalidTransition(InvalidState):
    """The transition table does not allow this step; nothing has changed."""


class UnknownUser(DormPartyError):
    """There is no such user in this pool."""

    code = "not_found"
    status = 404


class UnknownRoom(DormPartyError):
    """There is no such room of ours."""

    code = "not_found"
    status = 404


class PayloadTooLarge(DormPartyError):
    """The body is larger than 16 KiB."""

    code = "payload_too_large"
    status = 413


class BadRequest(DormPartyError):
    """The request cannot be read."""

    code = "invalid_request"
    status = 400


class NotJson(BadRequest):
    """The body is not a JSON object."""


class InvalidRequest(DormPartyError):
    """The request has a field of a wrong type or size."""

    code = "invalid_request"
    status = 422

    def __init__(self, detail: str | None = None, *, errors: Sequence[Mapping[str, str]]) -> None:
        """`errors`: the `field` of each, in camelCase as requests name it, and the `message` for it."""
        super().__init__(detail, errors=list(errors))

    @classmethod
    def of(cls, field: str, message: str) -> Self:
        """The error for one field."""
        return cls(message, errors=[{"field": field, "message": message}])


class RequestTimeout(DormPartyError):
    """The request did not come in time."""

    code = "request_timeout"
    status = 408


class UriTooLong(DormPartyError):
    """The URL is longer than 4 KiB."""

    code = "uri_too_long"
    status = 414


class HeadersTooLarge(DormPartyError):
    """The headers are too many, or one of them is larger than 8 KiB."""

    code = "headers_too_large"
    status = 431


class RateLimited(TryLater):
    """Too many requests; wait a little."""

    code = "rate_limited"
    status = 429


class Unavailable(TryLater):
    """A part of the service is away for the moment; try again shortly."""

    code = "unavailable"
    status = 503


class StateAway(Unavailable):
    """The state store does not answer; try again shortly."""


class StateFault(DormPartyError):
    """The state could not be changed. This is a fault of ours."""


class RoomsAway(Unavailable):
    """LiveKit does not answer; try again shortly."""


class GateAway(Unavailable):
    """The check for new sessions does not answer; try again shortly."""
