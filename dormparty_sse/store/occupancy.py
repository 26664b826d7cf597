"""Who is in which room, as Redis has it, for comparison with LiveKit. Each method may raise StateAway."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass

import orjson

from dormparty_sse.domain.models import Commit, Participant
from dormparty_sse.store.store import Store

_PAGE = 200  # matches read by one script


@dataclass(frozen=True, slots=True)
class MatchBrief:
    """A match that is reserved, open or closing."""

    session_id: str
    phase: str  #: Empty where there is no such match.
    created_at: int  #: ms since the epoch; 0 while it is reserved.
    present: int  #: How many of the two count as being in the room.
    room_name: str


class Occupancy:
    """The rooms of all matches."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def pages(self, pool: str) -> AsyncIterator[Sequence[MatchBrief]]:
        """All matches of a pool that stay while this goes on, some of them twice."""
        cursor: str | None = "0"
        while cursor:
            fields = (await self._store.run("matches_scan", pool, cursor, _PAGE)).fields
            cursor = fields.get("cursor")
            yield await self.look(pool, list(fields["sessions"]))

    async def look(self, pool: str, session_ids: Collection[str]) -> Sequence[MatchBrief]:
        """These matches."""
        if not session_ids:
            return ()
        commit = await self._store.run("matches_brief", pool, *session_ids)
        return [MatchBrief(*found) for found in commit.fields["matches"]]

    async def observed(
        self, pool: str, session_id: str, asked_at: int, participants: Collection[Participant]
    ) -> Commit:
        """LiveKit, asked not before `asked_at` (ms, Redis's clock), says who is in the room of a match."""
        seen = [{"identity": p.identity, "sid": p.sid, "joinedAt": p.joined_at} for p in participants]
        return await self._store.run("room_observed", pool, session_id, asked_at, orjson.dumps(seen).decode())
