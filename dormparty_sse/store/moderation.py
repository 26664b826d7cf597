"""Reports, bars and the trail of what moderators did, as Redis has them. Each method may raise StateAway."""

import orjson

from dormparty_sse.domain.errors import UnknownReport
from dormparty_sse.domain.models import Commit, Fields, UserRef
from dormparty_sse.domain.moderation import Bar, BarKind, Offence, Report, Verdict
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.domain.queries import Page
from dormparty_sse.store.cursors import check_limit, read_cursor, write_cursor
from dormparty_sse.store.store import Store


class ModerationStore:
    """What moderators read and decide. Repeating a command is safe."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def block(self, user: UserRef, session_id: str) -> Commit:
        """The user never meets its partner of that session again."""
        return await self._store.run("user_block", user.pool, user.user_id, session_id)

    async def report(
        self, user: UserRef, session_id: str, report_id: str, reason: Offence, details: str
    ) -> Commit:
        """Block, end, and an entry for the moderators."""
        return await self._store.run(
            "user_report", user.pool, user.user_id, session_id, report_id, reason, details
        )

    async def ban(self, user: UserRef, reason: str, *, for_ms: int, with_device: bool, by: str) -> Commit:
        """Keeps a user out for a while, as the doing of moderator `by`."""
        banned = (BarKind.BANNED, reason, "", for_ms, "", by, int(with_device))
        return await self._store.run("user_bar", user.pool, user.user_id, *banned)

    async def share_bar(self, user: UserRef, bar: Bar) -> Commit:
        """What holds for a user's device holds for the user."""
        return await self._store.run(
            "user_bar", user.pool, user.user_id, bar.kind, bar.reason, bar.until, 0, bar.origin, "", 0
        )

    async def unbar(self, user: UserRef, reason: str, *, by: str) -> Commit:
        """Lets a user in again, as the doing of moderator `by`."""
        return await self._store.run("user_unbar", user.pool, user.user_id, reason, by, "", "")

    async def share_end(self, user: UserRef, bar: Bar) -> Commit:
        """The bar of a user's device has ended: so does the user's, if it is of the same kind and origin."""
        return await self._store.run("user_unbar", user.pool, user.user_id, "", "", bar.kind, bar.origin)

    async def resolve(
        self, pool: str, report_id: str, verdict: Verdict, *, by: str, note: str, ban_ms: int
    ) -> Commit:
        """A moderator's verdict. Raises UnknownReport."""
        commit = await self._store.run("report_resolve", pool, report_id, verdict, by, note, ban_ms)
        if commit.outcome is Outcome.NOTHING:
            raise UnknownReport
        return commit

    async def reports(
        self, pool: str, *, resolved: bool = False, limit: int = 100, cursor: str | None = None
    ) -> Page[Report]:
        """Those without or with a verdict, the oldest first. Raises InvalidRequest for a limit or cursor."""
        check_limit(limit)
        question = "resolved" if resolved else "open"
        at, last = read_cursor(cursor, f"reports:{question}") or ("", "")
        fields = (await self._store.run("reports_page", pool, question, limit, at, last)).fields
        entries = list(fields["reports"])
        more = write_cursor(f"reports:{question}", entries[-1][1], entries[-1][0]) if fields["more"] else None
        return Page(
            items=tuple(read_report(entry[0], entry[2]) for entry in entries if entry[2]), cursor=more
        )

    async def trail(self, pool: str, *, limit: int = 100, cursor: str | None = None) -> Page[Fields]:
        """What moderators did, the newest first. Raises InvalidRequest for a wrong limit or cursor."""
        check_limit(limit)
        ms, number = read_cursor(cursor, "trail") or (0, "")
        after = f"{ms}-{int(number)}" if number.isdigit() else ""
        fields = (await self._store.run("trail_page", pool, limit, after)).fields
        entries = list(fields["entries"])
        more = None
        if len(entries) == limit:
            last_ms, _, last_number = entries[-1][0].partition("-")
            more = write_cursor("trail", int(last_ms), last_number)
        return Page(items=tuple(orjson.loads(entry[1]) for entry in entries), cursor=more)


def read_report(report_id: str, record: Fields) -> Report:
    """A report from its record."""
    return Report(
        report_id=report_id,
        reporter_id=record["reporter"],
        user_id=record["user"],
        session_id=record["session"],
        reason=Offence(record["reason"]),
        details=record["details"],
        at=int(record["at"]),
        verdict=Verdict(record["verdict"]) if "verdict" in record else None,
        moderator=record.get("moderator"),
        note=record.get("note"),
        resolved_at=int(record["resolvedAt"]) if "resolvedAt" in record else None,
    )
