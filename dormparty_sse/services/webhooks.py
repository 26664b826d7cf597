"""What LiveKit says of our rooms, applied to the state."""

import structlog

from dormparty_sse.domain.names import is_check_room, parse_room_name
from dormparty_sse.livekit.webhooks import WebhookEvent
from dormparty_sse.services.commits import Commits
from dormparty_sse.store.store import Store

log = structlog.get_logger()


class Webhooks:
    """Applies verified webhook events. What is not about a room of ours changes nothing."""

    def __init__(self, store: Store, commits: Commits) -> None:
        self._store = store
        self._commits = commits

    async def apply(self, event: WebhookEvent) -> None:
        """Returns once the state is in Redis. Raises StateAway, so that LiveKit sends the event again."""
        if is_check_room(event.room_name):
            await self._store.note_check_probe(event.room_name)
            return
        ours = parse_room_name(event.room_name)
        if ours is None:
            log.info("webhook_ignored", event_name=event.name, room=event.room_name[:100])
            return
        pool, session_id = ours
        match event.name:
            case "participant_joined":
                await self._joined(event, pool, session_id)
            case "participant_left" | "participant_connection_aborted":
                await self._left(event, pool, session_id)
            case "room_finished":
                await self._commits.run(
                    self._store.room_finished(
                        pool, event_id=event.event_id, session_id=session_id, room_sid=event.room_sid
                    )
                )

    async def _joined(self, event: WebhookEvent, pool: str, session_id: str) -> None:
        if (participant := event.participant) is None:
            return
        await self._commits.run(
            self._store.participant_joined(
                pool,
                event_id=event.event_id,
                session_id=session_id,
                user_id=participant.identity,
                sid=participant.sid,
                joined_at=participant.joined_at,
            )
        )

    async def _left(self, event: WebhookEvent, pool: str, session_id: str) -> None:
        if (participant := event.participant) is None:
            return
        await self._commits.run(
            self._store.participant_left(
                pool,
                event_id=event.event_id,
                session_id=session_id,
                user_id=participant.identity,
                sid=participant.sid,
                how=event.departure,
            )
        )
