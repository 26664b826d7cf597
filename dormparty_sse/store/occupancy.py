"""Who is in which room, as Redis has it, for comparison with LiveKit. Each method may raise StateAway."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass

import orjson

from dormparty_sse.domain.models import Commit, Fields, Participant
from dormparty_sse.domain.queries import Occupant, Page, RoomOccupancy
from dormparty_sse.store.cursors import check_limit, read_cursor, write_cursor
from dormparty_sse.store.store import Store

_PAGE = 200  # matches read by one script


@dataclass(frozen=True, slots=True)
class MatchBrief:
    """A match that is reserved, open or closing."""

    session_id: str
    phase: str  #: Empty where there is no such match.
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

    async def rooms(self, pool: str, *, limit: int = 100, cursor: str | None = None) -> Page[RoomOccupancy]:
        """The rooms of a pool, the oldest first. Raises InvalidRequest for a limit or cursor that is none."""
        check_limit(limit)
        since, last = read_cursor(cursor, "rooms") or ("", "")
        fields = (await self._store.run("rooms_page", pool, limit, since, last)).fields
        rooms = tuple(map(_room, fields["rooms"]))
        more = write_cursor("rooms", rooms[-1].since, rooms[-1].session_id) if fields["more"] else None
        return Page(items=rooms, cursor=more)

    async def observed(
        self, pool: str, session_id: str, asked_at: int, participants: Collection[Participant]
    ) -> Commit:
        """LiveKit, asked not before `asked_at` (ms, Redis's clock), says who is in the room of a match."""
        seen = [{"identity": p.identity, "sid": p.sid, "joinedAt": p.joined_at} for p in participants]
        return await self._store.run("room_observed", pool, session_id, asked_at, orjson.dumps(seen).decode())


def _room(fields: Fields) -> RoomOccupancy:
    people = tuple(
        Occupant(
            user_id=person["userId"],
            sid=person.get("sid"),
            joined_at=person.get("joinedAt"),
            absent_since=person.get("absentSince"),
            alone_since=person.get("aloneSince"),
        )
        for person in fields["people"]
    )
    return RoomOccupancy(
        room_name=fields.get("roomName"),
        session_id=fields["sessionId"],
        phase=fields.get("phase"),
        active=fields.get("phase") == "open" and any(person.sid for person in people),
        since=fields["since"],
        last_updated_at=fields.get("occupancyAt"),
        people=people,
    )
