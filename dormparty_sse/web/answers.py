"""What requests are answered with, as the schema shows it. The tests hold every answer against this.

Clients must take members that they do not know: more may come. Events are in events.py.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from dormparty_sse.domain.actions import Action
from dormparty_sse.domain.endings import Reason
from dormparty_sse.domain.moderation import BarKind
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.domain.states import State


class Answer(BaseModel):
    """A JSON object. Times are in ms since the epoch, unless a name says otherwise."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class EmptyAnswer(Answer):
    """There is no more to tell."""


class SessionAnswer(Answer):
    """Who the client is from now on. The token is in the cookie too."""

    user_id: str
    pool: str
    token: str
    expires_at: int
    renew_after_seconds: int  #: In how long to ask again, for a fresh token.


class ChallengeAnswer(Answer):
    """What a new session takes; beside the gate's kind, what that kind needs."""

    gate: Literal["off", "proof-of-work", "turnstile", "hcaptcha"]
    challenge: str | None = None
    difficulty: int | None = None
    expires_at: int | None = None
    site_key: str | None = None


class Match(Answer):
    """Two people and their room. `token` joins it, for this user alone and for about a minute."""

    session_id: str
    room_name: str
    user1: str
    user2: str
    partner_id: str
    created_at: int
    livekit_url: str
    token: str
    common_interests: list[str]


class Queue(Answer):
    """One's place in line, from 1, and what people waited lately. Null: unknown."""

    position: int | None
    queue_length: int | None
    estimated_wait_seconds: int | None


class Waiting(Queue):
    """And why nobody was found though others wait."""

    hold_reason: str | None
    hold_until: int | None


class UserAnswer(Answer):
    """Where the user stands. `seq` counts its steps from state to state."""

    state: State
    seq: int


class EnqueueAnswer(UserAnswer, Queue):
    """The user is in line."""

    already_queued: bool


class OutcomeAnswer(UserAnswer):
    """What the action did."""

    outcome: Outcome


class SkipAnswer(OutcomeAnswer):
    """What the skip did. `cooldownUntil`: no further skip until then, as this was one of too many."""

    cooldown_until: int | None = None


class ReportAnswer(OutcomeAnswer):
    """The moderators have been told."""

    report_id: str


class HeartbeatAnswer(UserAnswer):
    """After how long without a sign of life the user is taken out."""

    stale_after_seconds: float


class Notification(Answer):
    """Why a match ended, and where the user was led to. `initiatedBy` is null where it was nobody's doing."""

    session_id: str
    reason: Reason
    initiated_by: str | None
    timestamp: int
    target_state: State


class MatchAnswer(UserAnswer):
    """Is there a match?"""

    matched: bool
    match: Match | None


class DisconnectAnswer(UserAnswer):
    """Was the match ended?"""

    disconnected: bool
    notification: Notification | None


class StatusAnswer(UserAnswer, Waiting):
    """All that a user may know of where it stands."""

    waiting_since: int | None
    match: Match | None
    cooldown_until: int | None
    now: int


class Problem(Answer):
    """A problem answer (RFC 9457). `code` says what it is, `requestId` is in the log too."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str


class FieldError(Answer):
    """What is wrong with a field, by the name that requests have for it."""

    field: str
    message: str


class InvalidRequestProblem(Problem):
    """Fields have a wrong type or size."""

    errors: list[FieldError]


class InvalidStateProblem(Problem):
    """The user's state does not allow it."""

    state: State
    allowed: list[Action]


class BarAnswer(Answer):
    """Why somebody is kept out, and until when."""

    kind: BarKind
    reason: str
    until: int


class BarredProblem(Problem):
    """The user is kept out: why, and until when."""

    reason: str
    until: int


class SkipCooldownProblem(Problem):
    """The user has skipped too often, and may not until then."""

    cooldown_until: int


class ChallengeProblem(Problem, ChallengeAnswer):
    """A new session takes the answer to this challenge."""


class UnknownUserProblem(Problem):
    """There is no such user. `index` is that of the step that names it."""

    index: int | None = None
    user_id: str | None = None


class InvalidTransitionProblem(Problem):
    """A user cannot be led there. `index` and `to` are the step's; `state` is as the record has it."""

    index: int
    user_id: str
    state: str
    seq: int
    to: State
    allowed: list[State]
