"""People of one pool, brought to any state through the store alone, and what Redis then holds of them."""

import json
import secrets
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from dormparty_sse.domain.models import UserRef
from dormparty_sse.domain.names import new_id, room_name
from dormparty_sse.domain.states import State
from dormparty_sse.store.keys import pool_key, pool_tag
from dormparty_sse.store.store import Store
from tests.support.audit import violations

_AT_ONCE = 10_000  # keys that Redis looks at for each answer: it has those of all tests before


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two users and, once they were matched, their match."""

    a: UserRef
    b: UserRef
    session_id: str


class People:
    """The pool is the test's own."""

    def __init__(self, store: Store, redis: Redis) -> None:
        self.pool = f"pool-{secrets.token_hex(6)}"
        self.redis = redis
        self._store = store

    async def idle(self, number: int) -> list[UserRef]:
        """So many new users."""
        users = [UserRef(user_id=new_id(), pool=self.pool) for _ in range(number)]
        for user in users:
            await self._store.register(user)
        return users

    async def pair_in(self, state: State) -> Pair:
        """Two new users in this state, together where it is one of a match."""
        a, b = await self.idle(2)
        session = new_id()
        if state is not State.IDLE:
            for user in (a, b):
                await self._store.enqueue(user, [])
        if state not in (State.IDLE, State.WAITING):
            names = [(session, room_name(self.pool, session))]
            (pair,) = [
                found
                for found in await self._store.reserve_pairs(self.pool, names)
                if {found.user1, found.user2} == {a.user_id, b.user_id}
            ]
            await self._store.open_match(pair, f"RM-{session}")
        if state in (State.IN_CALL, State.DISCONNECTING):
            for user in (a, b):
                await self.joined(session, user)
        if state is State.DISCONNECTING:
            await self._store.skip(a, session)
        return Pair(a=a, b=b, session_id=session)

    async def joined(self, session: str, user: UserRef) -> None:
        """LiveKit says that the user is in the room."""
        await self._store.participant_joined(
            self.pool,
            event_id="",
            session_id=session,
            user_id=user.user_id,
            sid=f"PA-{user.user_id}",
            joined_at=1,
        )

    async def forgets(self, *users: UserRef) -> None:
        """What happens to who was not seen for an hour."""
        due = int(await self._store.time()) - 1
        for user in users:
            await self.redis.zadd(pool_key(self.pool, "presence"), {user.user_id: 1})
            await self.redis.zadd(pool_key(self.pool, "deadlines"), {f"presence:{user.user_id}": due})
        await self._store.run_deadlines(self.pool, 100)
        for user in users:
            assert not await self.user(user)

    async def user(self, user: UserRef) -> dict[str, str]:
        """The metadata."""
        data = await self.redis.hgetall(pool_key(self.pool, "user", user.user_id))
        return {str(name): str(value) for name, value in data.items()}

    async def events(self, user: UserRef) -> list[dict[str, Any]]:
        """The log."""
        entries = await self.redis.xrange(pool_key(self.pool, "log", user.user_id)) or []
        return [json.loads((entry or {})["data"]) for _, entry in entries]

    async def statistics(self) -> dict[str, int]:
        """All minutes together."""
        total: dict[str, int] = {}
        async for key in self.redis.scan_iter(f"{pool_tag(self.pool)}:statistics:*", count=_AT_ONCE):
            for field, value in (await self.redis.hgetall(key)).items():
                total[str(field)] = total.get(str(field), 0) + int(value)
        return total

    async def contents(self) -> dict[str, bytes]:
        """All that Redis holds of the pool, save signs of life and answers kept for repetition."""
        tag = pool_tag(self.pool)
        keys = sorted([str(key) async for key in self.redis.scan_iter(f"{tag}*", count=_AT_ONCE)])
        passing = (pool_key(self.pool, "presence"), pool_key(self.pool, "operation", ""))
        dumps = {key: await self.redis.dump(key) for key in keys if not key.startswith(passing)}
        return {key: dump for key, dump in dumps.items() if dump is not None}

    async def traces(self, user: UserRef) -> set[str]:
        """Every key or index that still has this user, by name or as a member."""
        found = set()
        async for key in self.redis.scan_iter(f"{pool_tag(self.pool)}*", count=_AT_ONCE):
            kind = await self.redis.type(key)
            own = f":user:{user.user_id}" in str(key)
            members = await self.redis.zrange(key, 0, -1) if kind == "zset" else []
            if own or any(user.user_id in str(member) for member in members):
                found.add(str(key))
        return found

    async def assert_sound(self) -> None:
        """The audit finds nothing."""
        found = await violations(self._store, self.pool)
        assert not any(found.values()), found
