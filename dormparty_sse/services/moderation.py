"""Blocks, reports, suspensions and bans: what keeps people away from those who misbehave."""

from typing import Any

import structlog

from dormparty_sse.domain.errors import Barred
from dormparty_sse.domain.models import Fields, UserRef
from dormparty_sse.domain.moderation import Bar, BarKind, Offence, Report, Verdict
from dormparty_sse.domain.names import new_id
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.domain.queries import Page
from dormparty_sse.services.actions import outcome_answer
from dormparty_sse.services.commits import Commits
from dormparty_sse.services.tasks import Tasks
from dormparty_sse.store.devices import Devices
from dormparty_sse.store.moderation import ModerationStore

log = structlog.get_logger()


class Moderation:
    """Each method may raise StateAway, and can then be repeated.

    What is done to a user is done to its device, too, also where the client hangs up in between.
    """

    def __init__(self, store: ModerationStore, devices: Devices, commits: Commits, tasks: Tasks) -> None:
        self._store = store
        self._devices = devices
        self._commits = commits
        self._tasks = tasks

    # What users do

    async def block(self, user: UserRef, session_id: str) -> dict[str, Any]:
        """Never meet that partner again. Raises Forbidden, UnknownSession."""
        commit = await self._commits.run(self._store.block(user, session_id))
        answer = outcome_answer(commit)
        log.info("user_blocked", session_id=session_id)
        return answer

    async def report(self, user: UserRef, session_id: str, reason: Offence, details: str) -> dict[str, Any]:
        """Tells the moderators of that partner, and blocks it. Raises Forbidden, UnknownSession."""
        return await self._tasks.see_through(self._report(user, session_id, reason, details))

    async def _report(self, user: UserRef, session_id: str, reason: Offence, details: str) -> dict[str, Any]:
        commit = await self._commits.run(self._store.report(user, session_id, new_id(), reason, details))
        answer = outcome_answer(commit)
        report_id = commit.fields["reportId"]
        log.info("user_reported", session_id=session_id, report_id=report_id, reason=reason)
        if suspended := commit.fields.get("suspended"):
            log.warning("user_suspended", suspended_id=suspended["user"], until=suspended["until"])
            await self._bar_device(
                suspended["device"],
                Bar(
                    kind=BarKind.SUSPENDED,
                    reason=suspended["reason"],
                    until=suspended["until"],
                    origin=suspended["origin"],
                ),
            )
        return answer | {"reportId": report_id}

    async def check_device(self, device: str) -> None:
        """Raises Banned where a device is."""
        bar = await self._devices.bar_of(device)
        if bar and bar.kind is BarKind.BANNED:
            raise Barred.by(bar)

    async def admit(self, user: UserRef, device: str) -> None:
        """A user comes with a device: what holds for it holds for the user."""
        await self._devices.note_user(device, user)
        if bar := await self._devices.bar_of(device):
            await self._commits.run(self._store.share_bar(user, bar))

    # What moderators do

    async def reports(self, pool: str, *, resolved: bool, limit: int, cursor: str | None) -> Page[Report]:
        """Those without or with a verdict, the oldest first. Raises InvalidRequest."""
        return await self._store.reports(pool, resolved=resolved, limit=limit, cursor=cursor)

    async def trail(self, pool: str, *, limit: int, cursor: str | None) -> Page[Fields]:
        """What moderators did, the newest first. Raises InvalidRequest."""
        return await self._store.trail(pool, limit=limit, cursor=cursor)

    async def resolve(
        self, pool: str, report_id: str, verdict: Verdict, *, by: str, note: str, ban_s: float
    ) -> dict[str, Any]:
        """A verdict on a report; what it was before stands. Raises UnknownReport."""
        return await self._tasks.see_through(
            self._resolve(pool, report_id, verdict, by=by, note=note, ban_s=ban_s)
        )

    async def _resolve(
        self, pool: str, report_id: str, verdict: Verdict, *, by: str, note: str, ban_s: float
    ) -> dict[str, Any]:
        commit = await self._commits.run(
            self._store.resolve(pool, report_id, verdict, by=by, note=note, ban_ms=round(ban_s * 1000))
        )
        fields = commit.fields
        report, device = fields["report"], fields["device"]
        if commit.outcome is Outcome.DONE:
            log.warning("report_resolved", pool=pool, report_id=report_id, verdict=verdict, moderator=by)
        # Also when it is decided already: a repeat may make good what was not done with the device.
        if report["verdict"] == Verdict.BANNED and "until" in fields:
            await self._bar_device(
                device, Bar(kind=BarKind.BANNED, reason=report["reason"], until=fields["until"])
            )
        elif report["verdict"] == Verdict.DISMISSED and fields["isFree"]:
            await self._unbar_device(device, origin=pool)
        return {"reportId": report_id, "outcome": report["verdict"], "userId": report["user"]}

    async def ban(
        self, user: UserRef, reason: str, *, by: str, ban_s: float, with_device: bool
    ) -> dict[str, Any]:
        """Keeps a user out, and whoever comes with its device, if that is known."""
        return await self._tasks.see_through(
            self._ban(user, reason, by=by, ban_s=ban_s, with_device=with_device)
        )

    async def _ban(
        self, user: UserRef, reason: str, *, by: str, ban_s: float, with_device: bool
    ) -> dict[str, Any]:
        commit = await self._commits.run(
            self._store.ban(user, reason, for_ms=round(ban_s * 1000), with_device=with_device, by=by)
        )
        until = commit.fields["until"]
        device = commit.fields["device"] if with_device else ""
        await self._bar_device(device, Bar(kind=BarKind.BANNED, reason=reason, until=until), exactly=True)
        log.warning("user_banned", pool=user.pool, user_id=user.user_id, until=until, moderator=by)
        return {"userId": user.user_id, "until": until, "device": bool(device)}

    async def unban(self, user: UserRef, reason: str, *, by: str) -> dict[str, Any]:
        """Lets a user and its device in again, be it suspended or banned."""
        return await self._tasks.see_through(self._unban(user, reason, by=by))

    async def _unban(self, user: UserRef, reason: str, *, by: str) -> dict[str, Any]:
        commit = await self._commits.run(self._store.unbar(user, reason, by=by))
        await self._unbar_device(commit.fields["device"])
        log.warning("user_unbanned", pool=user.pool, user_id=user.user_id, moderator=by)
        return {"userId": user.user_id, "wasBarred": commit.outcome is Outcome.DONE}

    async def _bar_device(self, device: str, bar: Bar, *, exactly: bool = False) -> None:
        if not device:
            return
        holds = await self._devices.bar(device, bar, exactly=exactly)
        for user in await self._devices.users(device):
            await self._commits.run(self._store.share_bar(user, holds))

    async def _unbar_device(self, device: str, *, origin: str = "") -> None:
        ended = await self._devices.unbar(device, origin=origin) if device else None
        if not ended:
            return
        for user in await self._devices.users(device):
            await self._commits.run(self._store.share_end(user, ended))
