"""Repair: for each finding of the audit one safe thing that mends it. Doing it twice does nothing more."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import structlog

from dormparty_sse.domain import audit
from dormparty_sse.domain.audit import Finding, Kind
from dormparty_sse.domain.endings import Reason
from dormparty_sse.domain.errors import RoomsAway, StateFault
from dormparty_sse.domain.models import Commit, UserRef
from dormparty_sse.domain.names import parse_room_name
from dormparty_sse.livekit.rooms import Rooms
from dormparty_sse.services.audit import Auditor
from dormparty_sse.services.commits import Commits
from dormparty_sse.store.control import Control
from dormparty_sse.store.store import Store

log = structlog.get_logger()

_OVERDUE_AT_ONCE = 100
_ROUNDS = 10  # each mends what one report holds
#: An open match that violates one of these is whole in Redis, and cannot go on for all that.
_ENDS_MATCH = (audit.rooms_have_matches.__name__, audit.no_match_of_a_pair_kept_apart.__name__)


class Repairer:
    """Mends what the audit finds."""

    def __init__(self, store: Store, rooms: Rooms, auditor: Auditor, commits: Commits) -> None:
        self._store = store
        self._control = Control(store)
        self._rooms = rooms
        self._auditor = auditor
        self._commits = commits

    async def repair(self, pool: str) -> dict[str, Any]:
        """What was found and what was done: `findings`, each with its `repairs`. Raises StateAway.

        Goes on while there is more than one report holds. `complete`: was everything found that is wrong?
        """
        report = await self._auditor.audit(pool)
        mended = await self._mend_all(pool, report.findings)
        for _ in range(1, _ROUNDS):
            if report.complete:
                break
            report = await self._auditor.audit(pool)
            mended += await self._mend_all(pool, report.findings)
        return {"pool": pool, "complete": report.complete, "findings": mended}

    async def _mend_all(self, pool: str, findings: Sequence[Finding]) -> list[dict[str, Any]]:
        """The findings, each with its repairs. What cannot be mended does not stop the rest."""
        done: dict[tuple[Kind, str], list[str]] = {}
        for finding in findings:
            subject = (finding.kind, finding.id)
            if subject in done:
                continue
            try:
                done[subject] = await self._mend(pool, finding)
                log.warning("repaired", pool=pool, **asdict(finding), repairs=done[subject])
            except StateFault as error:
                done[subject] = [f"could not be mended: {error.detail}"]
                log.warning("not_repaired", pool=pool, **asdict(finding), cause=repr(error.__cause__))
        return [{**asdict(one), "repairs": done[one.kind, one.id]} for one in findings]

    async def _mend(self, pool: str, finding: Finding) -> list[str]:
        match finding.kind:
            case Kind.USER:
                user = UserRef(user_id=finding.id, pool=pool)
                return _told(await self._commits.run(self._control.repair_user(user)))
            case Kind.MATCH:
                end = Reason.ROOM_FAILED if finding.invariant in _ENDS_MATCH else None
                return _told(await self._commits.run(self._control.repair_match(pool, finding.id, end=end)))
            case Kind.ROOM:
                return await self._mend_room(pool, finding)
            case Kind.DEADLINE:
                await self._commits.run(self._store.run_deadlines(pool, _OVERDUE_AT_ONCE))
                return ["was executed"]

    async def _mend_room(self, pool: str, finding: Finding) -> list[str]:
        """Ends the match of a room in which somebody is alone; a room without a match is deleted."""
        _, session_id = parse_room_name(finding.id) or (pool, "")
        if finding.invariant == audit.nobody_alone.__name__:
            command = self._control.repair_match(pool, session_id, end=Reason.CONNECTION_LOST)
            if repairs := _told(await self._commits.run(command)):
                return repairs
        try:
            await self._rooms.delete(finding.id)
        except RoomsAway as error:
            return [f"is still there: {error.detail}"]
        return ["was deleted"]


def _told(commit: Commit) -> list[str]:
    return list(commit.fields.get("repairs", ()))
