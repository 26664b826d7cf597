"""The commands of the state store, one method per Lua script. Every change of state goes through here.

Each method raises StateAway if Redis does not answer; the command may then have been applied or not, and
repeating it is safe.
"""

import re
import time
from collections.abc import Mapping, Sequence
from secrets import token_urlsafe
from typing import Any

import orjson

from dormparty_sse.domain.errors import StateFault
from dormparty_sse.domain.models import Commit, Fields, Reservation, Transition, UserRef
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.domain.rules import Rules
from dormparty_sse.domain.states import State
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.keys import POOLS, check_probe, pool_tag
from dormparty_sse.store.lanes import Script
from dormparty_sse.store.scripts import script_names, script_text

_EVENT_ID = re.compile(r"\d{1,15}-\d{1,15}", re.ASCII)
_UNKNOWN_EVENT_ID = "0-1"  # Redis never gives it to an entry, so the log cannot reach back to it
_CHECK_PROBE_TTL_S = 60
_NOTE_POOL_EVERY_S = 30
_POOLS_AT_ONCE = 500


class Store:
    """The state of all pools, in one Redis."""

    def __init__(self, connection: Connection, rules: Rules) -> None:
        self.rules = rules
        self._connection = connection
        self._scripts: Mapping[str, Script] = {
            name: Script(script_text(name, rules)) for name in script_names()
        }
        self._noted_pools: dict[str, float] = {}
        self._faulty_pools: set[str] = set()

    async def run(self, script: str, pool: str, *args: str | int, operation: str = "") -> Commit:
        """Runs one script in a pool, which every process looks after from then on.

        Whoever repeats a command as the same `operation` gets the same answer, and nothing is done again.
        """
        await self._note_pool(pool)
        return await self._run(script, pool, *args, operation=operation)

    async def _run(self, script: str, pool: str, *args: str | int, operation: str = "") -> Commit:
        arguments = (*args, operation or token_urlsafe(12))
        try:
            answer = await self._connection.run(self._scripts[script], (pool_tag(pool),), arguments)
        except StateFault:
            self._faulty_pools.add(pool)
            raise
        return _commit(pool, orjson.loads(answer))

    # Users

    async def register(self, user: UserRef, device: str = "") -> Commit:
        """Makes the user known, as IDLE, and notes the device of its session."""
        return await self.run("user_register", user.pool, user.user_id, device)

    async def sign_out(self, user: UserRef, remember_ms: int) -> Commit:
        """Voids the user's tokens of now and before, and ends whatever it is in."""
        return await self.run("user_sign_out", user.pool, user.user_id, remember_ms)

    async def seen(self, pool: str, streams: Mapping[str, int]) -> list[str]:
        """Notes a sign of life of each user, by its stream's generation. Returns those who are not known."""
        commit = await self.run("users_seen", pool, *(part for stream in streams.items() for part in stream))
        return list(commit.fields["unknown"])

    async def status(self, user: UserRef, session_id: str | None = None) -> Commit:
        """Where the user stands; the fields are those of `user_status.lua`. Is that match lost?"""
        return await self.run("user_status", user.pool, user.user_id, session_id or "")

    async def enqueue(self, user: UserRef, interests: Sequence[str]) -> Commit:
        """IDLE to WAITING. Outcome: queued, already-queued or invalid-state."""
        return await self.run("queue_join", user.pool, user.user_id, orjson.dumps(interests).decode())

    async def skip(self, user: UserRef, session_id: str | None) -> Commit:
        """Ends the match for both, who go on waiting."""
        return await self.run("user_skip", user.pool, user.user_id, session_id or "")

    async def end(self, user: UserRef, session_id: str | None) -> Commit:
        """Ends the match, or the waiting, for the user, who goes home."""
        return await self.run("user_end", user.pool, user.user_id, session_id or "", "end")

    async def leave(self, user: UserRef, session_id: str | None) -> Commit:
        """The user's page is closed: out of the match, or of whatever it was in."""
        return await self.run("user_end", user.pool, user.user_id, session_id or "", "leave")

    async def acknowledge_room_closing(self, user: UserRef, room_name: str) -> Commit:
        """The user is out of the room. Outcome: acknowledged or nothing-to-acknowledge."""
        return await self.run("room_ack", user.pool, user.user_id, room_name)

    # Matches

    async def reserve_pairs(self, pool: str, names: Sequence[tuple[str, str]]) -> list[Reservation]:
        """Takes pairs out of the queue, at most one for each (session id, room name) given."""
        commit = await self.run("queue_match", pool, *(part for pair in names for part in pair))
        return [
            Reservation(
                pool=pool,
                session_id=pair["sessionId"],
                room_name=pair["roomName"],
                user1=pair["user1"],
                user2=pair["user2"],
            )
            for pair in commit.fields["pairs"]
        ]

    async def open_match(self, reservation: Reservation, room_sid: str) -> Commit:
        """The room is there: both become CONNECTING. Outcome `nothing`: the reservation is gone."""
        return await self.run("match_open", reservation.pool, reservation.session_id, room_sid)

    async def release(self, reservation: Reservation) -> Commit:
        """The room cannot be made: both are free again, in their old places."""
        return await self.run("match_release", reservation.pool, reservation.session_id)

    async def run_deadlines(self, pool: str, limit: int) -> Commit:
        """Executes what has fallen due. `fields["rooms"]`: rooms to delete now."""
        commit = await self._run("deadlines_run", pool, limit)
        if commit.due_at is None:
            await self._forget_pool(pool)
        return commit

    # Rooms, as LiveKit tells of them

    async def participant_joined(
        self, pool: str, *, event_id: str, session_id: str, user_id: str, sid: str, joined_at: int
    ) -> Commit:
        """Somebody is in a room. `joined_at` in ms."""
        return await self.run("participant_joined", pool, event_id, session_id, user_id, sid, joined_at)

    async def participant_left(
        self, pool: str, *, event_id: str, session_id: str, user_id: str, sid: str, how: str
    ) -> Commit:
        """Somebody is out of a room. `how`: left, lost, absent or replaced."""
        return await self.run("participant_left", pool, event_id, session_id, user_id, sid, how)

    async def room_finished(self, pool: str, *, event_id: str, session_id: str, room_sid: str) -> Commit:
        """LiveKit has closed a room."""
        return await self.run("room_finished", pool, event_id, session_id, room_sid)

    async def room_deleted(self, pool: str, session_id: str) -> Commit:
        """LiveKit has confirmed that a room is gone."""
        return await self.run("room_deleted", pool, session_id)

    # Streams

    async def open_stream(self, user: UserRef, last_event_id: str | None) -> Commit:
        """Snapshot and replay, as of one moment; see `stream_open.lua`. An unreadable id means resync."""
        return await self.run("stream_open", user.pool, user.user_id, _event_id(last_event_id))

    async def stream_lost(self, user: UserRef, generation: int) -> Commit:
        """The client has closed this stream of the user without a word."""
        return await self.run("stream_lost", user.pool, user.user_id, generation)

    async def catch_up(self, pool: str, streams: Sequence[tuple[str, str]]) -> list[Fields]:
        """What open streams, each (user, last event id), have missed; see `streams_catch_up.lua`.

        In order, at least that of the first; whoever has no answer is to be asked for again.
        """
        told = (part for user_id, last_id in streams for part in (user_id, _event_id(last_id)))
        return list((await self.run("streams_catch_up", pool, *told)).fields["streams"])

    async def queue_views(self, pool: str, user_ids: Sequence[str]) -> list[dict[str, Any]]:
        """What each WAITING one of these users may know of the queue; see `queue_views.lua`."""
        commit = await self.run("queue_views", pool, *user_ids)
        return list(commit.fields["views"])

    # The whole

    def take_faulty_pools(self) -> set[str]:
        """The pools in which a script met a record that makes no sense, since this was asked last."""
        faulty, self._faulty_pools = self._faulty_pools, set()
        return faulty

    async def pools(self) -> list[str]:
        """All pools that have users."""
        pools: set[str] = set()
        cursor = ""
        while cursor != "0":
            page = ("SSCAN", POOLS, cursor or "0", "COUNT", _POOLS_AT_ONCE)
            cursor, some = await self._connection.execute(*page, urgent=False)
            pools.update(some)
        for lost in self._noted_pools.keys() - pools:
            del self._noted_pools[lost]  # with its next user it is noted anew
        return sorted(pools)

    async def ping(self) -> None:
        """Returns if Redis takes changes."""
        await self._connection.probe()

    async def time(self) -> float:
        """What Redis's clock shows, in ms since the epoch."""
        seconds, microseconds = await self._connection.execute("TIME", urgent=False)
        return int(seconds) * 1000 + int(microseconds) / 1000

    async def note_check_probe(self, room_name: str) -> None:
        """Notes that a webhook for a probe room of `dormparty-sse check` has arrived."""
        await self._connection.execute("SET", check_probe(room_name), 1, "EX", _CHECK_PROBE_TTL_S)

    async def _note_pool(self, pool: str) -> None:
        # Noted anew from time to time, as another process may have found the pool empty meanwhile.
        if time.monotonic() < self._noted_pools.get(pool, 0):
            return
        await self._connection.execute("SADD", POOLS, pool)
        self._noted_pools[pool] = time.monotonic() + _NOTE_POOL_EVERY_S

    async def _forget_pool(self, pool: str) -> None:
        """A pool without any deadline has no users, since each user has one."""
        self._noted_pools.pop(pool, None)
        await self._connection.execute("SREM", POOLS, pool)


def _event_id(text: str | None) -> str:
    if not text:
        return ""
    return text if _EVENT_ID.fullmatch(text) else _UNKNOWN_EVENT_ID


def _commit(pool: str, answer: dict[str, Any]) -> Commit:
    # Lua has one empty table, and its JSON is {}: what is a list here is made one again.
    return Commit(
        outcome=Outcome(answer.pop("outcome")),
        pool=pool,
        now=answer.pop("now"),
        transitions=tuple(_transition(item) for item in answer.pop("transitions")),
        due_at=answer.pop("dueAt", None),
        rematch=answer.pop("rematch"),
        alone_ms=tuple(answer.pop("aloneMs", ())),
        fields=answer,
    )


def _transition(item: dict[str, Any]) -> Transition:
    return Transition(
        user_id=item["userId"],
        from_state=State(item["from"]),
        to_state=State(item["to"]),
        reason=item["reason"],
        duration_ms=item["durationMs"],
        seq=item["seq"],
        session_id=item.get("sessionId"),
        forced=item["forced"],
    )
