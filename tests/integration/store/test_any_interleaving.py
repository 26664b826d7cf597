"""Any interleaving of what six users, LiveKit and the deadlines can do keeps the invariants.

Real time passes, so the same steps may do more or less from run to run. So rules have no preconditions:
one that finds nothing to act on does nothing, and hypothesis can repeat the steps.
"""

import asyncio
import secrets
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from redis.asyncio import Redis

from dormparty_sse.domain.audit import violations
from dormparty_sse.domain.departures import Departure
from dormparty_sse.domain.models import Commit, Reservation, UserRef
from dormparty_sse.domain.rules import Rules
from dormparty_sse.store.client import connect
from dormparty_sse.store.store import Store

USERS = st.sampled_from([f"user-{n}" for n in range(6)])
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


class Interleaving(RuleBasedStateMachine):
    """Each example has a pool of its own. Names of matches and participants are never used twice."""

    redis_url = ""

    def __init__(self) -> None:
        super().__init__()
        self.pool = f"machine-{secrets.token_hex(8)}"
        self.loop = asyncio.Runner()
        self.redis: Redis = self.loop.run(self._connect())
        self.store = Store(self.redis, QUICK)
        self.reservations: list[Reservation] = []
        self.sessions: list[tuple[str, str, str]] = []  # every match there was: session, user1, user2
        self.numbers = count()
        self.seqs: dict[str, int] = {}

    async def _connect(self) -> Redis:
        return connect(self.redis_url, connect_timeout_s=2, command_timeout_s=5, pool_size=4)

    def teardown(self) -> None:
        self.loop.run(self.redis.aclose())
        self.loop.close()

    def _run(self, command: Any) -> Commit:
        commit: Commit = self.loop.run(command)
        for step in commit.transitions:
            assert step.seq == self.seqs.get(step.user_id, 0) + 1, (commit.transitions, self.seqs)
            self.seqs[step.user_id] = step.seq
        return commit

    def _user(self, name: str) -> UserRef:
        return UserRef(user_id=name, pool=self.pool)

    def _session(self, pick: int) -> str | None:
        """None, or any match there ever was: the current one, an older one, other people's."""
        return self.sessions[-pick][0] if 0 < pick <= len(self.sessions) else None

    # What users do

    @initialize()
    def first_all_enqueue(self) -> None:
        self.all_enqueue()

    @rule()
    def all_enqueue(self) -> None:
        for n in range(6):
            self.enqueue(f"user-{n}")

    @rule(user=USERS)
    def enqueue(self, user: str) -> None:
        self._run(self.store.enqueue(self._user(user), ["music"]))

    @rule(user=USERS, pick=st.integers(0, 4))
    def skip(self, user: str, pick: int) -> None:
        self._run(self.store.skip(self._user(user), self._session(pick)))

    @rule(user=USERS, pick=st.integers(0, 4))
    def end(self, user: str, pick: int) -> None:
        self._run(self.store.end(self._user(user), self._session(pick)))

    @rule(user=USERS)
    def leave(self, user: str) -> None:
        self._run(self.store.leave(self._user(user), None))

    @rule(user=USERS, pick=st.integers(1, 4))
    def acknowledge(self, user: str, pick: int) -> None:
        room = f"room-{self._session(pick)}"  # also one that never was
        self._run(self.store.acknowledge_room_closing(self._user(user), room))

    @rule(user=USERS)
    def look(self, user: str) -> None:
        self._run(self.store.status(self._user(user)))

    # What the processes do

    @rule(pairs=st.integers(1, 3))
    def reserve(self, pairs: int) -> None:
        names = [f"s{next(self.numbers)}" for _ in range(pairs)]
        made = self.loop.run(self.store.reserve_pairs(self.pool, [(name, f"room-{name}") for name in names]))
        assert all(pair.user1 != pair.user2 for pair in made)
        self.reservations += made
        self.sessions += [(pair.session_id, pair.user1, pair.user2) for pair in made]

    @rule(who_joins=st.sampled_from([(), (1,), (2,), (1, 2), (1, 2), (1, 2)]))
    def match(self, who_joins: tuple[int, ...]) -> None:
        """The usual way, in one step, so that calls are frequent: reserved, opened, joined."""
        self.reserve(3)
        while self.reservations:
            self.open_match(0)
        for pick in (1, 2, 3):
            for user in who_joins:
                self.joined(pick, user, 0)

    @rule(pick=st.integers(0, 2))
    def open_match(self, pick: int) -> None:
        if self.reservations:
            reservation = self.reservations.pop(pick % len(self.reservations))
            self._run(self.store.open_match(reservation, f"RM-{reservation.session_id}"))

    @rule()
    def room_fails(self) -> None:
        if self.reservations:
            self._run(self.store.release(self.reservations.pop()))

    @rule()
    def run_deadlines(self) -> None:
        commit = self._run(self.store.run_deadlines(self.pool, 50))
        for room in commit.fields["rooms"]:
            self._run(self.store.room_deleted(self.pool, room["sessionId"]))

    @rule(ms=st.sampled_from([5, 15, 45]))
    def time_passes(self, ms: int) -> None:
        self.loop.run(asyncio.sleep(ms / 1000))

    # What LiveKit says: of any match, in any order, once or twice, of the right people or the wrong

    @rule(pick=st.integers(1, 3), user=st.one_of(st.sampled_from([1, 2]), USERS), sid=st.integers(0, 1))
    def joined(self, pick: int, user: int | str, sid: int) -> None:
        session, user_id = self._participant(pick, user)
        self._run(
            self.store.participant_joined(
                self.pool,
                event_id="",
                session_id=session,
                user_id=user_id,
                sid=f"PA-{session}-{user_id}-{sid}",
                joined_at=1_000 + sid,
            )
        )

    @rule(
        pick=st.integers(1, 3),
        user=st.sampled_from([1, 2]),
        sid=st.integers(0, 1),
        how=st.sampled_from(Departure),
        event=st.integers(0, 3),
    )
    def left(self, pick: int, user: int, sid: int, how: Departure, event: int) -> None:
        session, user_id = self._participant(pick, user)
        self._run(
            self.store.participant_left(
                self.pool,
                event_id=f"EV-{session}-{event}" if event else "",
                session_id=session,
                user_id=user_id,
                sid=f"PA-{session}-{user_id}-{sid}",
                how=how,
            )
        )

    @rule(pick=st.integers(1, 3), ours=st.booleans())
    def room_finished(self, pick: int, ours: bool) -> None:  # noqa: FBT001  # hypothesis gives it by name
        session, _ = self._participant(pick, 1)
        sid = f"RM-{session}" if ours else "RM-other"
        self._run(self.store.room_finished(self.pool, event_id="", session_id=session, room_sid=sid))

    def _participant(self, pick: int, user: int | str) -> tuple[str, str]:
        if not self.sessions:
            return "unknown", "user-0"
        session, user1, user2 = self.sessions[-min(pick, len(self.sessions))]
        if isinstance(user, str):
            return session, user
        return session, user1 if user == 1 else user2

    # What must hold after every step

    @invariant()
    def audit_is_clean(self) -> None:
        found = violations(self.loop.run(self.store.snapshot(self.pool)))
        assert not any(found.values()), found

    @invariant()
    def everybody_gets_out(self) -> None:
        """Nobody's state is a dead end: whoever is asked to leave is at home, or on the way there."""
        snapshot = self.loop.run(self.store.snapshot(self.pool))
        for user, data in snapshot.users.items():
            assert data["state"] != "DISCONNECTING" or ("leave:" + user) in dict(snapshot.deadlines)
            if data["state"] == "CONNECTING":
                assert f"connect:{data['sessionId']}" in dict(snapshot.deadlines)


@pytest.mark.timeout(300)  # thousands of steps, each with an audit
def test_any_interleaving_keeps_the_invariants(redis_url: str) -> None:
    Interleaving.redis_url = redis_url
    run_state_machine_as_test(
        Interleaving,
        settings=settings(
            max_examples=100,
            stateful_step_count=60,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
