"""What LiveKit says of our rooms, applied to the state."""

from collections.abc import Coroutine
from typing import Any

import structlog

from dormparty_sse.domain.clock import Clock
from dormparty_sse.domain.errors import BadSignature, StateFault
from dormparty_sse.domain.models import Commit
from dormparty_sse.domain.names import is_check_room, parse_room_name
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.livekit.webhooks import WebhookEvent, WebhookVerifier
from dormparty_sse.services.commits import Commits
from dormparty_sse.services.metrics import Fate, Metrics
from dormparty_sse.store.store import Store

log = structlog.get_logger()

#: Of every call, and no news for us. A participant event without a participant is as good as unknown.
_OF_NO_INTEREST = {"room_started", "track_published", "track_unpublished"}


class Webhooks:
    """Applies verified webhook events. What is not about a room of ours changes nothing."""

    def __init__(
        self, verifier: WebhookVerifier, store: Store, commits: Commits, clock: Clock, metrics: Metrics
    ) -> None:
        self._verifier = verifier
        self._store = store
        self._commits = commits
        self._clock = clock
        self._metrics = metrics

    async def receive(self, body: bytes, authorization: str) -> None:
        """Returns once the state is in Redis. Raises BadSignature, and StateAway: LiveKit sends it again."""
        try:
            event = self._verifier.read(body, authorization)
        except BadSignature:
            self._metrics.webhook(Fate.REFUSED)
            raise
        fate = Fate.FAILED
        try:
            fate = await self._apply(event)
        finally:
            age_s = self._clock.now_s() - event.created_at if event.created_at else None
            self._metrics.webhook(fate, event.name, age_s)

    async def _apply(self, event: WebhookEvent) -> Fate:
        if is_check_room(event.room_name):
            await self._store.note_check_probe(event.room_name)
            return Fate.APPLIED
        ours = parse_room_name(event.room_name)
        if ours is None:
            log.info("webhook_ignored", event_name=event.name, room=event.room_name[:100])
            return Fate.IGNORED
        pool, session_id = ours
        participant = event.participant
        match event.name:
            case "participant_joined" if participant:
                command = self._store.participant_joined(
                    pool,
                    event_id=event.event_id,
                    session_id=session_id,
                    user_id=participant.identity,
                    sid=participant.sid,
                    joined_at=participant.joined_at,
                )
            case "participant_left" | "participant_connection_aborted" if participant:
                command = self._store.participant_left(
                    pool,
                    event_id=event.event_id,
                    session_id=session_id,
                    user_id=participant.identity,
                    sid=participant.sid,
                    how=event.departure,
                )
            case "room_finished":
                command = self._store.room_finished(
                    pool, event_id=event.event_id, session_id=session_id, room_sid=event.room_sid
                )
            case _:
                if event.name not in _OF_NO_INTEREST:
                    log.info("webhook_unknown", event_name=event.name[:100], room=event.room_name)
                return Fate.IGNORED
        return await self._run(command, event, pool, session_id)

    async def _run(
        self, command: Coroutine[Any, Any, Commit], event: WebhookEvent, pool: str, session_id: str
    ) -> Fate:
        try:
            commit = await self._commits.run(command)
        except StateFault:
            # A record that makes no sense. Saying it again would help nobody, and hold up what comes next.
            log.exception("webhook_failed", event_name=event.name, pool=pool, session_id=session_id)
            return Fate.FAILED
        if commit.outcome is Outcome.NOTHING:
            log.info("webhook_without_effect", event_name=event.name, pool=pool, session_id=session_id)
            return Fate.NOTHING
        return Fate.APPLIED
