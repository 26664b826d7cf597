"""Any interleaving of what six users, LiveKit, operators, deadlines and faults can do keeps the invariants.

Real time passes, so the same steps may do more or less from run to run. So rules have no preconditions:
one that finds nothing to act on does nothing, and hypothesis can repeat the steps.
"""

import asyncio
import json
import secrets
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test
from redis.asyncio import Redis

from dormparty_sse.domain.departures import Departure
from dormparty_sse.domain.endings import Reason
from dormparty_sse.domain.errors import InvalidTransition, UnknownUser
from dormparty_sse.domain.models import Commit, Reservation, Step, UserRef
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.domain.states import State
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.control import Control
from dormparty_sse.store.facts import Facts
from dormparty_sse.store.queries import Queries
from dormparty_sse.store.store import Store
from tests.integration.store.losses import NAMES, QUICK, USERS, Losses
from tests.support.audit import violations
from tests.support.proxy import Proxy

pytestmark = pytest.mark.busy


class Interleaving(Losses):
    """Each example has a pool of its own. Names of matches and participants are never used twice."""

    redis_url = ""

    def __init__(self) -> None:
        super().__init__()
        self.pool = f"machine-{secrets.token_hex(8)}"
        self.loop = asyncio.Runner()
        self.way = Proxy()
        self.loop.run(self.way.open(urlsplit(self.redis_url).port or 0))
        self.connection = Connection(
            self.way.redis_url, pool_size=4, connect_timeout_s=2, command_timeout_s=5, max_retries=10
        )
        self.store = Store(self.connection, QUICK)
        self.control = Control(self.store)
        self.raw = Redis.from_url(self.redis_url)
        self.reservations: list[Reservation] = []
        self.sessions: list[tuple[str, str, str]] = []  # every match there was: session, user1, user2
        self.numbers = count()
        self.seqs: dict[str, int] = {}

    def _states(self) -> dict[str, str]:
        known = self.loop.run(Queries(self.store).states(self.pool, NAMES))
        return {user: of.state for user, of in known.items()}

    def _known(self) -> set[str]:
        return set(self._states())

    async def _raw(self, *command: str) -> None:
        await self.raw.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py has no types here

    def teardown(self) -> None:
        self.loop.run(self.connection.aclose())
        self.loop.run(self.way.shut())
        self.loop.run(self.raw.aclose())
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

    @rule(user=USERS)
    def register(self, user: str) -> None:
        self._run(self.store.register(self._user(user)))

    @rule(user=USERS, missed=st.integers(0, 5))
    def stream_opens_and_catches_up(self, user: str, missed: int) -> None:
        """What a stream misses is every step since, in order."""
        opened = self._run(self.store.open_stream(self._user(user), None))
        for _ in range(missed):
            self.skip(user, 0)
            self.enqueue(user)
        caught_up = self._run(
            self.store.run("streams_catch_up", self.pool, user, str(opened.fields["lastId"]))
        )
        (told,) = caught_up.fields["streams"]
        events = [json.loads(data) for _, data in told["events"]]
        steps = [event["seq"] for event in events if "seq" in event]
        assert steps == list(range(opened.seq + 1, self.seqs.get(user, 0) + 1))

    @rule(user=USERS)
    def seen(self, user: str) -> None:
        unknown = self.loop.run(self.store.seen(self.pool, {user: 0}))
        assert unknown == ([] if user in self._known() else [user])

    @rule()
    def queue_is_looked_at(self) -> None:
        views = self.loop.run(self.store.queue_views(self.pool, [f"user-{n}" for n in range(6)]))
        assert all(view["state"] == State.WAITING for view in views)

    # What operators do

    @rule(
        steps=st.lists(st.tuples(USERS, st.sampled_from(State)), min_size=1, max_size=4), force=st.booleans()
    )
    def transition(self, steps: list[tuple[str, State]], force: bool) -> None:  # noqa: FBT001  # as below
        asked = [Step(user_id=user, to_state=state) for user, state in steps]
        before = self._states()
        try:
            self._run(self.control.transition(self.pool, asked, force=force))
        except (InvalidTransition, UnknownUser):
            assert self._states() == before
        else:
            assert self._states()[steps[-1][0]] == steps[-1][1]

    @rule(user=USERS, pick=st.integers(1, 4))
    def repair(self, user: str, pick: int) -> None:
        """There is never anything to repair."""
        if user in self._known():
            assert self._run(self.control.repair_user(self._user(user))).outcome is Outcome.NOTHING
        session = self._session(pick) or "unknown"
        assert self._run(self.control.repair_match(self.pool, session)).outcome is Outcome.NOTHING

    @rule(pick=st.integers(1, 3), reason=st.sampled_from(Reason))
    def match_is_ended(self, pick: int, reason: Reason) -> None:
        session, user = self._participant(pick, 1)
        self._run(self.control.repair_match(self.pool, session, end=reason, by=user))

    @rule(user=USERS)
    def cleanup_user(self, user: str) -> None:
        self._run(self.control.cleanup_user(self._user(user)))
        self.seqs.pop(user, None)

    # What goes wrong

    @rule()
    def redis_forgets_its_scripts(self) -> None:
        self.loop.run(self._raw("SCRIPT", "FLUSH"))

    @rule()
    def connections_are_cut(self) -> None:
        self.loop.run(self._raw("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"))

    @rule(user=USERS, what=st.sampled_from(["queue_join", "user_skip", "user_end", "user_status"]))
    def command_is_repeated(self, user: str, what: str) -> None:
        """Whoever repeats a command gets the same answer, and nothing is done again."""
        rest = {"queue_join": ["[]"], "user_skip": [""], "user_end": ["", "end"], "user_status": [""]}[what]
        operation = f"{user}-{next(self.numbers)}"
        once = self._run(self.store.run(what, self.pool, user, *rest, operation=operation))
        again = self.loop.run(self.store.run(what, self.pool, user, *rest, operation=operation))
        assert (again.outcome, again.state, again.seq) == (once.outcome, once.state, once.seq)
        if what != "user_status":
            assert again == once

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
        found = self.loop.run(violations(self.store, self.pool))
        # Real time passes between the rules, and only one of them runs deadlines.
        late = found["deadlines_are_met"]
        found["deadlines_are_met"] = [sentence for sentence in late if not sentence.endswith("ms late")]
        assert not any(found.values()), found

    @invariant()
    def everybody_gets_out(self) -> None:
        """Nobody's state is a dead end: whoever is asked to leave is at home, or on the way there."""
        facts = Facts(self.store)
        users = self.loop.run(facts.look(self.pool, users=NAMES)).users
        awaited = {f"leave:{user}" for user, of in users.items() if of.data["state"] == "DISCONNECTING"}
        awaited |= {
            f"connect:{of.data['sessionId']}" for of in users.values() if of.data["state"] == "CONNECTING"
        }
        assert self.loop.run(facts.look(self.pool, deadlines=awaited)).deadlines.keys() == awaited


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
