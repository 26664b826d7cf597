"""The audit: looks at Redis and LiveKit and says which invariants do not hold."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from dormparty_sse.domain import audit
from dormparty_sse.domain.audit import Finding, Kind
from dormparty_sse.domain.errors import RoomsAway
from dormparty_sse.domain.facts import PoolPage
from dormparty_sse.domain.models import Room
from dormparty_sse.domain.names import parse_room_name
from dormparty_sse.livekit.rooms import Rooms
from dormparty_sse.store.facts import Facts
from dormparty_sse.store.store import Store

MOST_FINDINGS = 1_000  #: In one report.
_ROOMS = 100  # in one page
_WEBHOOK_S = 0.5  # how long the news of a room may be on its way
_OF_ROOMS = (audit.nobody_alone.__name__, audit.rooms_have_matches.__name__)

RoomList = Sequence[Room] | None  #: The pool's rooms, or None if LiveKit does not answer.


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an audit has found."""

    pool: str
    findings: tuple[Finding, ...]
    rooms_checked: bool  #: Did LiveKit answer?
    complete: bool  #: False where there is more wrong than one report holds.

    def as_answer(self) -> dict[str, Any]:
        """`ok`, `pool`, `roomsChecked`, `complete`, `invariants` with what violates each, and `findings`."""
        return {
            "ok": self.complete and not self.findings,
            "pool": self.pool,
            "roomsChecked": self.rooms_checked,
            "complete": self.complete,
            "invariants": audit.by_invariant(self.findings),
            "findings": [asdict(finding) for finding in self.findings],
        }


class Auditor:
    """Checks the invariants of `domain/audit.py` on the real thing."""

    def __init__(self, store: Store, rooms: Rooms) -> None:
        self._facts = Facts(store)
        self._rooms = rooms

    async def audit(self, pool: str) -> Report:
        """Looks at everything in a pool. Raises StateAway."""
        rooms = await self._list_rooms(pool)
        suspects = await self._search(pool, rooms)
        confirmed, rooms = await self._second_look(pool, suspects[:MOST_FINDINGS], rooms)
        return Report(
            pool=pool,
            findings=tuple(confirmed),
            rooms_checked=rooms is not None,
            complete=len(suspects) <= MOST_FINDINGS,
        )

    async def _search(self, pool: str, rooms: RoomList) -> list[Finding]:
        """What looks wrong at first sight, until that is more than one report holds."""
        found: dict[Finding, None] = {}
        async for page in self._pages(pool, rooms):
            found |= dict.fromkeys(audit.findings(page))
            if len(found) > MOST_FINDINGS:
                break
        return list(found)

    async def _pages(self, pool: str, rooms: RoomList) -> AsyncIterator[PoolPage]:
        async for page in self._facts.pages(pool):
            yield _with_rooms(page, rooms, ())
        for start in range(0, len(rooms or ()), _ROOMS):
            some = (rooms or ())[start : start + _ROOMS]
            users, sessions = _alone_in(some), _sessions_of(room.name for room in some)
            yield _with_rooms(await self._facts.look(pool, users=users, matches=sessions), rooms, some)

    async def _second_look(
        self, pool: str, suspects: Sequence[Finding], rooms: RoomList
    ) -> tuple[list[Finding], RoomList]:
        """What is still wrong, and the rooms as they are now: much moves between two pages.

        What is said of a room must be so by Redis both before and after LiveKit has been asked once more.
        """
        if any(suspect.invariant in _OF_ROOMS for suspect in suspects):
            await asyncio.sleep(_WEBHOOK_S)
            page = await self._subjects(pool, suspects, rooms)
            rooms = await self._list_rooms(pool)
            suspects = _still(suspects, page, rooms)
        return _still(suspects, await self._subjects(pool, suspects, rooms), rooms), rooms

    async def _subjects(self, pool: str, suspects: Sequence[Finding], rooms: RoomList) -> PoolPage:
        """What the suspects are about, as it is now."""
        names = _ids(suspects, Kind.ROOM)
        return await self._facts.look(
            pool,
            users=_ids(suspects, Kind.USER) | _alone_in(room for room in rooms or () if room.name in names),
            matches=_ids(suspects, Kind.MATCH) | _sessions_of(names),
            deadlines=_ids(suspects, Kind.DEADLINE),
        )

    async def _list_rooms(self, pool: str) -> RoomList:
        try:
            return await self._rooms.look_into(audit.rooms_of(pool, await self._rooms.list()))
        except RoomsAway:
            return None


def _with_rooms(page: PoolPage, rooms: RoomList, judged: Sequence[Room]) -> PoolPage:
    names = None if rooms is None else frozenset(room.name for room in rooms)
    return replace(page, rooms=judged, room_names=names)


def _still(suspects: Sequence[Finding], page: PoolPage, rooms: RoomList) -> list[Finding]:
    """What this page has against those who are suspected of the same."""
    known = {(suspect.invariant, suspect.kind, suspect.id) for suspect in suspects}
    names = _ids(suspects, Kind.ROOM)
    judged = [room for room in rooms or () if room.name in names]
    found = audit.findings(_with_rooms(page, rooms, judged))
    return [finding for finding in found if (finding.invariant, finding.kind, finding.id) in known]


def _ids(found: Iterable[Finding], kind: Kind) -> set[str]:
    return {finding.id for finding in found if finding.kind is kind}


def _alone_in(rooms: Iterable[Room]) -> set[str]:
    return {room.participants[0].identity for room in rooms if len(room.participants) == 1}


def _sessions_of(names: Iterable[str]) -> set[str]:
    return {parsed[1] for name in names if (parsed := parse_room_name(name))}
