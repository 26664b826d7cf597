"""What may be lost on the way, or in Redis and is repaired then: rules of a state machine."""

import asyncio
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from redis.asyncio import Redis

from dormparty_sse.domain.audit import Finding, Kind, findings
from dormparty_sse.domain.models import Commit, UserRef
from dormparty_sse.domain.rules import Rules
from dormparty_sse.store.control import Control
from dormparty_sse.store.facts import Facts
from dormparty_sse.store.keys import pool_key, pool_tag
from dormparty_sse.store.lanes import Script
from dormparty_sse.store.scripts import script_names, script_text
from dormparty_sse.store.store import Store
from tests.support.proxy import Proxy

NAMES = [f"user-{n}" for n in range(6)]
USERS = st.sampled_from(NAMES)
#: Real time passes in the tests, so every duration is short.
QUICK = Rules(
    pair_cooldown_ms=40,
    reservation_ms=30,
    connect_timeout_ms=30,
    leave_timeout_ms=10,
    unreachable_after_ms=2_000,
    stale_after_ms=4_000,
    room_delete_retry_ms=10,
)

_TEXTS = {name: script_text(name, QUICK) for name in script_names()}
_ONCE = [name for name, text in _TEXTS.items() if "KEY.operation(" in text]  # repeated, they do nothing again
_PLACES = ("queue", "idle", "waiting", "connecting", "in_call", "disconnecting")
_ROUNDS = 3  # of repair: what one finding's repair leads to is found by the next


class Losses(RuleBasedStateMachine):
    """A pool, of which anything may be lost. The machine itself says what else happens in it."""

    pool: str
    loop: asyncio.Runner
    way: Proxy
    raw: Redis
    store: Store
    control: Control
    seqs: dict[str, int]

    def _run(self, command: Any) -> Commit:
        raise NotImplementedError

    def _known(self) -> set[str]:
        raise NotImplementedError

    @rule(script=st.sampled_from(_ONCE))
    def next_answer_is_lost(self, script: str) -> None:
        """The script runs, the connection breaks before the answer, and it is sent once more."""
        self.way.lose_answers(1, to=Script(_TEXTS[script]).digest.encode())

    @rule(user=USERS, what=st.sampled_from(["all", "record", "log", "places"]))
    def user_is_lost(self, user: str, what: str) -> None:
        """As by FLUSHALL, or by a hand that should not have been there; the others stay.

        Whoever has lost its places is still in the index of users: a record in no index is found by nobody.
        """
        if user not in self._known():
            return
        self.loop.run(self._lose(user, what))
        if what in ("all", "record"):
            self.seqs.pop(user, None)
        self._repair()

    @rule()
    def everybody_is_lost(self) -> None:
        """As by FLUSHALL, in this pool."""
        self.loop.run(self._delete_pool())
        self.seqs.clear()

    @rule(at_once=st.sampled_from([1, 4, 100]))
    def pool_is_cleaned_up(self, at_once: int) -> None:
        """It may end halfway, as when its process dies."""
        self._run(self.control.cleanup_pool(self.pool, at_once))
        for gone in set(NAMES) - self._known():
            self.seqs.pop(gone, None)

    async def _lose(self, user: str, what: str) -> None:
        record, its_log, cooldowns = (pool_key(self.pool, key, user) for key in ("user", "log", "cooldowns"))
        match what:
            case "record":
                await self.raw.delete(record)
            case "log":
                await self.raw.delete(its_log)
            case "all":
                await self.raw.delete(record, its_log, cooldowns)
                await self.raw.zrem(pool_key(self.pool, "presence"), user)
        if what in ("all", "places"):
            for place in _PLACES:
                await self.raw.zrem(pool_key(self.pool, place), user)
            await self.raw.zrem(pool_key(self.pool, "deadlines"), f"presence:{user}", f"leave:{user}")

    async def _delete_pool(self) -> None:
        keys = [key async for key in self.raw.scan_iter(f"{pool_tag(self.pool)}*", count=1_000)]
        if keys:
            await self.raw.delete(*keys)

    def _repair(self) -> None:
        """Mends what the audit finds, as the service does."""
        for _ in range(_ROUNDS):
            for finding in self.loop.run(self._findings()):
                self._mend(finding)
        assert self.loop.run(self._findings()) == []

    async def _findings(self) -> list[Finding]:
        return [finding async for page in Facts(self.store).pages(self.pool) for finding in findings(page)]

    def _mend(self, finding: Finding) -> None:
        match finding.kind:
            case Kind.USER:
                self._run(self.control.repair_user(UserRef(user_id=finding.id, pool=self.pool)))
            case Kind.MATCH:
                self._run(self.control.repair_match(self.pool, finding.id))
            case _:
                self._run(self.store.run_deadlines(self.pool, 50))
