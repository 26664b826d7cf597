"""Browsers, by the random id each was given: who has used one, and whether it is kept out.

A device is of no pool, so no script of a pool touches its keys. Each method may raise StateAway.
"""

from dataclasses import asdict

import orjson

from dormparty_sse.domain.models import UserRef
from dormparty_sse.domain.moderation import Bar
from dormparty_sse.domain.rules import Rules
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.keys import device_bar, device_users
from dormparty_sse.store.lanes import Script
from dormparty_sse.store.scripts import script_text

_MOST_USERS = 1_000


class Devices:
    """What is known of devices."""

    def __init__(self, connection: Connection, *, memory_s: float) -> None:
        """`memory_s`: how long it is remembered who has used one; a session lasts no longer."""
        self._connection = connection
        self._memory_ms = round(memory_s * 1000)
        self._bar, self._unbar = (
            Script(script_text(name, Rules())) for name in ("device_bar", "device_unbar")
        )

    async def note_user(self, device: str, user: UserRef) -> None:
        """This user has a session on the device."""
        key = device_users(device)
        await self._connection.execute("SADD", key, f"{user.pool} {user.user_id}")
        await self._connection.execute("PEXPIRE", key, self._memory_ms)

    async def users(self, device: str) -> list[UserRef]:
        """Who has used it lately."""
        found = await self._connection.execute("SRANDMEMBER", device_users(device), _MOST_USERS)
        return [
            UserRef(pool=pool, user_id=user_id)
            for pool, _, user_id in (str(member).partition(" ") for member in found)
        ]

    async def bar(self, device: str, bar: Bar, *, exactly: bool = False) -> Bar:
        """Keeps out whoever comes with this device. Returns what holds now.

        A ban stands before a suspension, and what lasts longer before the rest; by `exactly`, this one does.
        """
        arguments = (orjson.dumps(asdict(bar)).decode(), int(exactly))
        return read_bar(await self._connection.run(self._bar, (device_bar(device),), arguments))

    async def bar_of(self, device: str) -> Bar | None:
        """Why it is kept out, if it is."""
        record = await self._connection.execute("GET", device_bar(device))
        return read_bar(record) if record else None

    async def unbar(self, device: str, *, origin: str = "") -> Bar | None:
        """Lets it in again. Returns the bar that has ended.

        With an `origin`, only a suspension that rests on the reports of that pool.
        """
        record = await self._connection.run(self._unbar, (device_bar(device),), (origin,))
        return read_bar(record) if record else None


def read_bar(record: str) -> Bar:
    """A bar from its JSON, a device's or a user's."""
    return Bar.of(orjson.loads(record))
