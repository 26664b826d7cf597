"""A lease: one process at a time, for as long as it lives and a little longer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from secrets import token_urlsafe

from dormparty_sse.domain.errors import StateAway
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.lanes import Script

_POLL_S = 0.05
_IF_OURS = "return redis.call('GET', KEYS[1]) == ARGV[1] and "
_KEEP = Script(_IF_OURS + "redis.call('PEXPIRE', KEYS[1], ARGV[2])")
_GIVE_BACK = Script(_IF_OURS + "redis.call('DEL', KEYS[1])")


class Lease:
    """Held by at most one process. One that dies has lost it after `ttl_s`."""

    def __init__(self, connection: Connection, key: str, *, ttl_s: float) -> None:
        self._connection = connection
        self._key = key
        self._ttl_ms = round(ttl_s * 1000)

    @asynccontextmanager
    async def held(self, wait_s: float = 0) -> AsyncIterator[bool]:
        """Is it ours, for as long as the context lasts? Waits for it at most so long. Raises StateAway."""
        token = token_urlsafe(12)
        if not await self._take(token, wait_s):
            yield False
            return
        keeping = asyncio.create_task(self._keep(token))
        try:
            yield True
        finally:
            keeping.cancel()
            with suppress(StateAway):  # then it runs out by itself
                await self._connection.run(_GIVE_BACK, (self._key,), (token,))

    async def _take(self, token: str, wait_s: float) -> bool:
        clock = asyncio.get_running_loop().time
        deadline = clock() + wait_s
        while not await self._connection.execute("SET", self._key, token, "NX", "PX", self._ttl_ms):
            if clock() >= deadline:
                return False
            await asyncio.sleep(_POLL_S)
        return True

    async def _keep(self, token: str) -> None:
        while True:
            await asyncio.sleep(self._ttl_ms / 3000)
            with suppress(StateAway):
                if not await self._connection.run(_KEEP, (self._key,), (token, self._ttl_ms)):
                    return  # it ran out; what is done without it does no harm, save that another does it too
