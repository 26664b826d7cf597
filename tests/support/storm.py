"""A process in which 16 tasks do whatever the store can do, at random: `python -m tests.support.storm ...`.

Prints, as JSON, how often each command had each outcome.
"""

import argparse
import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from dormparty_sse.domain.departures import Departure
from dormparty_sse.domain.errors import InvalidTransition, UnknownUser
from dormparty_sse.domain.models import Commit, Step, UserRef
from dormparty_sse.domain.names import new_id, room_name
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.domain.rules import Rules
from dormparty_sse.domain.states import State
from dormparty_sse.store.control import Control
from dormparty_sse.store.store import Store
from tests.support.stores import connected_store

TASKS = 16
#: Short, so that deadlines fall due all the time; logs long enough to hold every step.
RULES = Rules(
    pair_cooldown_ms=50,
    reservation_ms=200,
    connect_timeout_ms=200,
    leave_timeout_ms=50,
    room_delete_retry_ms=50,
    log_length=10_000,
)

Action = Callable[[], Awaitable[Commit | None]]


class Storm:
    """What one task does next is up to its `rng`."""

    def __init__(self, store: Store, pool: str, users: int, rng: random.Random) -> None:
        self.done: Counter[str] = Counter()
        self._store = store
        self._control = Control(store)
        self._pool = pool
        self._users = [f"user-{number}" for number in range(users)]
        self._rng = rng
        self._matches: list[tuple[str, str, str]] = []  # the last it has made: session, user1, user2
        self._actions: list[tuple[Action, int]] = [
            (self._enqueue, 30),
            (self._skip, 8),
            (self._end, 4),
            (self._leave, 2),
            (self._acknowledge, 10),
            (self._match, 10),
            (self._let_go, 1),
            (self._joined, 25),
            (self._left, 3),
            (self._finished, 1),
            (self._deadlines, 5),
            (self._look, 5),
            (self._many_steps, 2),
            (self._force, 1),
            (self._repair, 5),
            (self._end_match, 1),
        ]

    async def rage(self, until: float) -> None:
        """One thing after the other."""
        actions, weights = zip(*self._actions, strict=True)
        while time.monotonic() < until:
            (action,) = self._rng.choices(actions, weights)
            try:
                commit = await action()
                outcome = commit.outcome if commit else "nothing"
            except (InvalidTransition, UnknownUser) as error:
                outcome = error.code
            self.done[f"{action.__name__.strip('_')} {outcome}"] += 1

    def _user(self) -> UserRef:
        return UserRef(user_id=self._rng.choice(self._users), pool=self._pool)

    def _any_match(self) -> tuple[str, str, str]:
        return self._rng.choice(self._matches[-50:] or [("none", "user-0", "user-1")])

    def _session(self) -> str | None:
        return self._rng.choice([None, self._any_match()[0]])

    async def _enqueue(self) -> Commit:
        return await self._store.enqueue(self._user(), ["music"])

    async def _skip(self) -> Commit:
        return await self._store.skip(self._user(), self._session())

    async def _end(self) -> Commit:
        return await self._store.end(self._user(), self._session())

    async def _leave(self) -> Commit:
        return await self._store.leave(self._user(), None)

    async def _acknowledge(self) -> Commit:
        session, user1, user2 = self._any_match()
        user = UserRef(user_id=self._rng.choice([user1, user2]), pool=self._pool)
        return await self._store.acknowledge_room_closing(user, room_name(self._pool, session))

    async def _match(self) -> Commit | None:
        names = [(session, room_name(self._pool, session)) for session in (new_id(), new_id())]
        commit = None
        for pair in await self._store.reserve_pairs(self._pool, names):
            self._matches.append((pair.session_id, pair.user1, pair.user2))
            commit = await self._store.open_match(pair, f"RM-{pair.session_id}")
        return commit

    async def _let_go(self) -> Commit | None:
        session = new_id()
        pairs = await self._store.reserve_pairs(self._pool, [(session, room_name(self._pool, session))])
        return await self._store.release(pairs[0]) if pairs else None

    async def _joined(self) -> Commit:
        session, user1, user2 = self._any_match()
        user = self._rng.choice([user1, user2])
        return await self._store.participant_joined(
            self._pool,
            event_id="",
            session_id=session,
            user_id=user,
            sid=f"PA-{session}-{user}",
            joined_at=1,
        )

    async def _left(self) -> Commit:
        session, user1, user2 = self._any_match()
        user = self._rng.choice([user1, user2])
        return await self._store.participant_left(
            self._pool,
            event_id="",
            session_id=session,
            user_id=user,
            sid=f"PA-{session}-{user}",
            how=self._rng.choice(list(Departure)),
        )

    async def _finished(self) -> Commit:
        session = self._any_match()[0]
        return await self._store.room_finished(
            self._pool, event_id="", session_id=session, room_sid=f"RM-{session}"
        )

    async def _deadlines(self) -> Commit:
        commit = await self._store.run_deadlines(self._pool, 50)
        for room in commit.fields["rooms"]:
            await self._store.room_deleted(self._pool, room["sessionId"])
        return commit

    async def _look(self) -> Commit:
        return await self._store.status(self._user())

    async def _many_steps(self) -> Commit:
        steps = [
            Step(user_id=self._user().user_id, to_state=self._rng.choice(list(State)))
            for _ in range(self._rng.randint(1, 3))
        ]
        return await self._control.transition(self._pool, steps)

    async def _force(self) -> Commit:
        step = Step(user_id=self._user().user_id, to_state=self._rng.choice(list(State)))
        return await self._control.transition(self._pool, [step], force=True)

    async def _repair(self) -> Commit:
        """There must never be anything to repair."""
        commit = await self._control.repair_user(self._user())
        assert commit.outcome is Outcome.NOTHING, commit
        return commit

    async def _end_match(self) -> Commit:
        return await self._control.repair_match(self._pool, self._any_match()[0])


async def _main(arguments: argparse.Namespace) -> Counter[str]:
    until = time.monotonic() + arguments.seconds
    async with connected_store(arguments.url, RULES) as store:
        storms = [
            Storm(store, arguments.pool, arguments.users, random.Random(f"{arguments.seed}-{task}"))  # noqa: S311  # to repeat
            for task in range(TASKS)
        ]
        async with asyncio.TaskGroup() as tasks:
            for storm in storms:
                tasks.create_task(storm.rage(until))
    return sum((storm.done for storm in storms), Counter())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    for name in ("url", "pool"):
        parser.add_argument(f"--{name}", required=True)
    for number in ("seed", "users", "seconds"):
        parser.add_argument(f"--{number}", type=int, required=True)
    return parser


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_main(_parser().parse_args()))))
