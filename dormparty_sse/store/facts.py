"""Reads what the audit looks at, page by page: however large the pool, no script keeps Redis busy."""

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any

from dormparty_sse.domain.audit import DEADLINE_SLACK_MS
from dormparty_sse.domain.facts import MatchFacts, PoolPage, UserFacts
from dormparty_sse.store.store import Store

_USERS = 50  # looked at by one script
_OTHERS = 200


class Facts:
    """The facts of a pool, without LiveKit's rooms. Each method raises StateAway if Redis does not answer."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def pages(self, pool: str) -> AsyncIterator[PoolPage]:
        """All that stays while this goes on, some of it twice: users, matches, deadlines that are late."""
        async for users in self._users(pool):
            yield await self.look(pool, users=users)
        async for sessions in self._sessions(pool):
            yield await self.look(pool, matches=sessions)
        async for page in self._late_deadlines(pool):
            yield page

    async def look(
        self,
        pool: str,
        *,
        users: Collection[str] = (),
        matches: Collection[str] = (),
        deadlines: Collection[str] = (),
    ) -> PoolPage:
        """These subjects alone, each as of one moment. Those there are not are left out."""
        of_users = await self._all("users_examine", "users", pool, users)
        of_matches = await self._all("matches_examine", "matches", pool, matches)
        of_deadlines = await self._all("deadlines_examine", "deadlines", pool, deadlines)
        found_users = {item["id"]: _user(item) for _, items in of_users for item in items}
        found_matches = {item["id"]: _match(item) for _, items in of_matches for item in items}
        return PoolPage(
            pool=pool,
            now=min((now for now, _ in (*of_users, *of_matches, *of_deadlines)), default=0),
            rules=self._store.rules,
            users={user: facts for user, facts in found_users.items() if facts.exists},
            matches={match: facts for match, facts in found_matches.items() if facts.data or facts.is_listed},
            deadlines={deadline: at for _, items in of_deadlines for deadline, at in items},
        )

    async def _all(
        self, script: str, field: str, pool: str, asked: Collection[str]
    ) -> list[tuple[int, list[Any]]]:
        """What a script says of so many subjects, in several calls: (when, answers)."""
        left, answers = list(asked), []
        while left:
            some = left[: _USERS if field == "users" else _OTHERS]
            commit = await self._store.run(script, pool, *some)
            items = list(commit.fields[field])
            # A script that has much to read answers for the first few of them alone.
            left = left[len(items) if field == "users" else len(some) :]
            answers.append((commit.now, items))
        return answers

    async def _users(self, pool: str) -> AsyncIterator[Sequence[str]]:
        at: int | None = 1
        cursor = "0"
        while at:
            fields = (await self._store.run("users_scan", pool, at, cursor, _OTHERS)).fields
            at, cursor = fields.get("at"), fields.get("cursor", "0")
            yield list(fields["users"])

    async def _sessions(self, pool: str) -> AsyncIterator[Sequence[str]]:
        cursor: str | None = "0"
        while cursor:
            fields = (await self._store.run("matches_scan", pool, cursor, _OTHERS)).fields
            cursor = fields.get("cursor")
            yield list(fields["sessions"])

    async def _late_deadlines(self, pool: str) -> AsyncIterator[PoolPage]:
        after: tuple[int | str, str] = ("", "")
        more = True
        while more:
            commit = await self._store.run("deadlines_late", pool, _OTHERS, DEADLINE_SLACK_MS, *after)
            late = list(commit.fields["deadlines"])
            yield PoolPage(pool=pool, now=commit.now, rules=self._store.rules, deadlines=dict(late))
            more = commit.fields["more"]
            after = (late[-1][1], late[-1][0]) if late else after


def _user(item: dict[str, Any]) -> UserFacts:
    # Lua has one empty table, and its JSON is {}: where a list is meant, it is made one here.
    return UserFacts(
        data=item["data"],
        sets=sorted(item["sets"]),
        in_queue=item["inQueue"],
        is_away=item["isAway"],
        in_presence=item["inPresence"],
        log_entries=item["entries"],
        steps=[(first, last) for first, last in item["steps"]],
        match=item.get("match") or {},
        reservation=item.get("reservation") or {},
    )


def _match(item: dict[str, Any]) -> MatchFacts:
    return MatchFacts(
        data=item["data"],
        is_listed=item["isListed"],
        has_deadline=item["hasDeadline"],
        cooling_until=item["coolingUntil"],
        blocked_at=item["blockedAt"],
        members=item["members"],
    )
