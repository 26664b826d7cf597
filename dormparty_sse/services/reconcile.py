"""Compares LiveKit's rooms with Redis's matches, and mends what differs.

For who is in a room LiveKit is right. It is asked twice before anything is concluded from an absence, and a
call that fails says nothing. Every change is a script that looks at Redis once more.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from dormparty_sse.domain.clock import Clock
from dormparty_sse.domain.discrepancies import Discrepancy, Kind
from dormparty_sse.domain.endings import Reason
from dormparty_sse.domain.errors import RoomsAway
from dormparty_sse.domain.models import RoomSummary
from dormparty_sse.domain.names import parse_room_name
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.livekit.rooms import Rooms
from dormparty_sse.services.commits import Commits
from dormparty_sse.services.metrics import Metrics
from dormparty_sse.store.control import Control
from dormparty_sse.store.occupancy import MatchBrief, Occupancy
from dormparty_sse.store.store import Store

log = structlog.get_logger()

_SECOND_LOOK_S = 1.0
_AT_ONCE = 8  # calls to LiveKit, or matches mended
_PAGE = 200  # matches read at once
_MOST_LOOKS = 200  # in one run; the others have their turn in the next
_LOOKS_AT_THE_SOUND = 50  # rooms that seem to be in order; where there are more, some of them at random
_BOTH = 2
_LISTED = ("reserved", "open", "closing")

Key = tuple[str, str]  # (pool, session id)


@dataclass(slots=True, kw_only=True)
class Findings:
    """What one run has seen and done."""

    livekit: bool = True  #: Did LiveKit answer? If not, nothing was concluded.
    rooms: int = 0  #: Of ours.
    foreign_rooms: int = 0
    matches: int = 0  #: Reserved, open or closing.
    looked_into: int = 0  #: Rooms whose participants were asked for.
    discrepancies: list[Discrepancy] = field(default_factory=list)


class Reconciler:
    """Any process may run it, at any time."""

    def __init__(self, store: Store, rooms: Rooms, commits: Commits, clock: Clock, metrics: Metrics) -> None:
        self._store = store
        self._rooms = rooms
        self._commits = commits
        self._clock = clock
        self._metrics = metrics
        self._occupancy = Occupancy(store)
        self._control = Control(store)

    async def run(self) -> Findings:
        """Looks at everything. Raises StateAway."""
        findings = Findings()
        try:
            rooms = await self._list(findings)
            matches = await self._matches({pool for pool, _ in rooms})
            findings.matches = len(matches)
            await self._mend_absences(rooms, matches, findings)
            await self._look_into(_chosen(rooms, matches), findings)
        except RoomsAway as error:
            findings.livekit = False
            log.warning("reconciliation_without_livekit", detail=error.detail)
        return findings

    async def look_at(self, pool: str, session_id: str, room_name: str) -> Findings:
        """Looks at one match alone. Raises StateAway."""
        findings = Findings()
        try:
            rooms = _by_match(await self._rooms.list([room_name]))
            await self._mend_absences(rooms, await self._look([(pool, session_id)]), findings)
            await self._look_into(list(rooms.items()), findings)
        except RoomsAway:
            findings.livekit = False
        return findings

    async def _list(self, findings: Findings) -> dict[Key, RoomSummary]:
        all_rooms = await self._rooms.list()
        rooms = _by_match(all_rooms)
        findings.rooms, findings.foreign_rooms = len(rooms), len(all_rooms) - len(rooms)
        return rooms

    async def _matches(self, pools: Iterable[str]) -> dict[Key, MatchBrief]:
        found: dict[Key, MatchBrief] = {}
        for pool in {*await self._store.pools(), *pools}:
            async for page in self._occupancy.pages(pool):
                found |= {(pool, brief.session_id): brief for brief in page}
        return found

    # Matches without rooms, and rooms without matches

    async def _mend_absences(
        self, rooms: Mapping[Key, RoomSummary], matches: Mapping[Key, MatchBrief], findings: Findings
    ) -> None:
        """What is absent here and there, at the first look and a second later, is mended."""
        suspects = _unpaired(rooms, matches)
        if not suspects:
            return
        await asyncio.sleep(_SECOND_LOOK_S)
        names = {rooms[key].name if key in rooms else matches[key].room_name for key in suspects}
        rooms = _by_match(await self._rooms.list([name for name in names if name]))
        matches = await self._look(suspects)
        to_do = iter(suspects & _unpaired(rooms, matches))

        async def mend() -> None:
            for key in to_do:
                if mended := await self._mend(key, rooms.get(key), matches.get(key)):
                    findings.discrepancies.append(mended)

        await asyncio.gather(*(mend() for _ in range(_AT_ONCE)))

    async def _look(self, keys: Iterable[Key]) -> dict[Key, MatchBrief]:
        by_pool: dict[str, list[str]] = defaultdict(list)
        for pool, session_id in keys:
            by_pool[pool].append(session_id)
        return {
            (pool, brief.session_id): brief
            for pool, session_ids in by_pool.items()
            for start in range(0, len(session_ids), _PAGE)
            for brief in await self._occupancy.look(pool, session_ids[start : start + _PAGE])
        }

    async def _mend(self, key: Key, room: RoomSummary | None, match: MatchBrief | None) -> Discrepancy | None:
        pool, session_id = key
        if match and match.phase == "open":
            reason = Reason.ROOM_FINISHED if match.present == _BOTH else Reason.ROOM_FAILED
            ended = await self._commits.run(self._control.repair_match(pool, session_id, end=reason))
            if ended.outcome is Outcome.NOTHING:  # it has ended meanwhile
                return None
            done = "The match has ended; both are in line again."
            return self._found(Kind.NO_ROOM, key, match.room_name, done=done)
        # Is it listed, though it is none? Then its room, if it has one, will be deleted as that of any other.
        repaired = await self._commits.run(self._control.repair_match(pool, session_id))
        if repaired.outcome is Outcome.DONE:
            name = match.room_name if match else ""
            return self._found(Kind.STALE_RECORD, key, name, done="It is listed no more.")
        if room is None:
            return None
        await self._rooms.delete(room.name, is_stuck=True)
        return self._found(Kind.NO_MATCH, key, room.name, done="The room was deleted.")

    # Who is in the rooms

    async def _look_into(self, rooms: Sequence[tuple[Key, RoomSummary]], findings: Findings) -> None:
        to_do = iter(rooms)

        async def look() -> None:
            for key, room in to_do:
                findings.discrepancies += await self._compare(key, room.name)
                findings.looked_into += 1

        await asyncio.gather(*(look() for _ in range(min(len(rooms), _AT_ONCE))))

    async def _compare(self, key: Key, name: str) -> list[Discrepancy]:
        pool, session_id = key
        asked_at = self._clock.now_ms()
        participants = await self._rooms.participants(name)
        commit = await self._commits.run(self._occupancy.observed(pool, session_id, asked_at, participants))
        for identity in commit.fields.get("strangers", ()):
            await self._rooms.remove(name, identity)
        found = [(Kind(one["kind"]), one["userId"]) for one in commit.fields.get("findings", ())]
        found += [(Kind.STRANGER, identity) for identity in commit.fields.get("strangers", ())]
        return [self._found(kind, key, name, user_id=user, done=_DONE[kind]) for kind, user in found]

    def _found(
        self, kind: Kind, key: Key, room_name: str, *, done: str, user_id: str | None = None
    ) -> Discrepancy:
        pool, session_id = key
        self._metrics.found(kind)
        log.warning(
            "discrepancy",
            kind=kind,
            pool=pool,
            session_id=session_id,
            room=room_name,
            user_id=user_id,
            done=done,
        )
        return Discrepancy(
            kind=kind, pool=pool, session_id=session_id, room_name=room_name, user_id=user_id, done=done
        )


_DONE = {
    Kind.UNCOUNTED: "The user was counted in.",
    Kind.MISSING: "LiveKit will be asked again.",
    Kind.LOST: "The call has ended; its partner is in line again.",
    Kind.STRANGER: "The participant was removed.",
}


def _by_match(rooms: Iterable[RoomSummary]) -> dict[Key, RoomSummary]:
    """Those that are ours."""
    return {key: room for room in rooms if (key := parse_room_name(room.name))}


def _unpaired(rooms: Mapping[Key, RoomSummary], matches: Mapping[Key, MatchBrief]) -> set[Key]:
    """Rooms that no match needs, open matches without a room, and matches listed in no known phase."""
    needed = {key for key, match in matches.items() if match.phase in _LISTED}
    without_room = {key for key, match in matches.items() if match.phase == "open" and key not in rooms}
    return (rooms.keys() | matches.keys()) - needed | without_room


def _chosen(
    rooms: Mapping[Key, RoomSummary], matches: Mapping[Key, MatchBrief]
) -> list[tuple[Key, RoomSummary]]:
    """The rooms to look into: those that seem not to be as Redis has them, and some of the others."""
    suspect: list[tuple[Key, RoomSummary]] = []
    sound: list[tuple[Key, RoomSummary]] = []
    for key, room in rooms.items():
        match = matches.get(key)
        if match and match.phase == "open":
            is_sound = room.participants == match.present == _BOTH
            (sound if is_sound else suspect).append((key, room))
    suspect = random.sample(suspect, min(len(suspect), _MOST_LOOKS))
    return suspect + random.sample(sound, min(len(sound), _LOOKS_AT_THE_SOUND))
