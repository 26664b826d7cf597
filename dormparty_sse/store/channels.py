"""Redis's channels: what many subscribe to, over one connection that is made anew after each break.

What is wanted, or no longer, while the connection is busy is told to Redis in one command.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Protocol

import structlog
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from dormparty_sse.domain.errors import StateAway, StateFault
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.lanes import pack, send

log = structlog.get_logger()

_RECONNECT_S = 0.2  # from one attempt to the next, at least
_AT_ONCE = 1_000  # channels in one command; Redis works on nothing else meanwhile
_KEEP_ALIVE = "dormparty:hub"  # so that the connection always has something to listen to


class Listener(Protocol):
    """Who wants the messages."""

    def message(self, channel: str, data: str) -> None:
        """A message has come."""

    def interrupted(self) -> None:
        """From now on messages may be missing."""

    def confirmed(self, channel: str) -> None:
        """From now on none of this channel will be missing."""


class Channels:
    """The channels that this process listens to."""

    def __init__(self, connection: Connection) -> None:
        self.breaks = 0  #: How often the connection was lost: what came before the last break may have gaps.
        self._connection = connection
        self._confirmed: dict[str, asyncio.Future[None]] = {}  # of each channel wanted, on this connection
        self._changed: dict[str, None] = {}  # channels wanted, or no longer, of which Redis is not told yet
        self._has_changed = asyncio.Event()
        self._on_the_way: deque[tuple[str, asyncio.Future[None]]] = deque()  # Redis confirms in this order

    async def subscribe(self, channel: str) -> None:
        """Returns when all messages sent from now on will come. Raises StateAway."""
        self._connection.require()
        confirmed = self._confirmed.get(channel)
        if confirmed is None:
            confirmed = self._confirmed[channel] = asyncio.get_running_loop().create_future()
            self._change(channel)
        try:
            async with asyncio.timeout(self._connection.command_timeout_s):
                await asyncio.shield(confirmed)
        except TimeoutError as error:
            raise StateAway from error

    def unsubscribe(self, channel: str) -> None:
        """No more messages of this channel are wanted."""
        if self._confirmed.pop(channel, None):
            self._change(channel)

    def _change(self, channel: str) -> None:
        self._changed[channel] = None
        self._has_changed.set()

    async def listen(self, listener: Listener) -> None:
        """Brings the messages, for ever; a lost connection is made anew, as soon as Redis is there."""
        clock = asyncio.get_running_loop().time
        while True:
            await self._connection.recovery.up()
            next_one = clock() + _RECONNECT_S
            try:
                async with self._connection.subscription() as link:
                    await self._listen(link, listener)
            except (RedisError, OSError) as error:
                log.warning("hub_disconnected", error=type(error).__name__)
            except Exception:  # without this nobody would get any event
                log.exception("hub_crashed")
            self._break()
            listener.interrupted()
            with suppress(StateAway, StateFault):
                await self._connection.probe()  # is it the whole of Redis that is away?
            await asyncio.sleep(max(0, next_one - clock()))

    def _break(self) -> None:
        self.breaks += 1
        self._on_the_way.clear()
        for channel, confirmed in self._confirmed.items():
            if confirmed.done():
                self._confirmed[channel] = asyncio.get_running_loop().create_future()
        self._changed = dict.fromkeys(self._confirmed)
        self._has_changed.set()

    async def _listen(self, link: AbstractConnection, listener: Listener) -> None:
        await send(link, pack("SUBSCRIBE", _KEEP_ALIVE))
        ways = {asyncio.create_task(self._write(link)), asyncio.create_task(self._read(link, listener))}
        try:
            ended, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ended:
                way.result()
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _write(self, link: AbstractConnection) -> None:
        while True:
            await self._has_changed.wait()
            self._has_changed.clear()
            changed, self._changed = self._changed, {}
            for command in self._commands(changed):
                await send(link, command)

    def _commands(self, changed: dict[str, None]) -> Iterator[bytes]:
        unwanted = (channel for channel in changed if channel not in self._confirmed)
        for some in _chunks(unwanted):
            yield pack("UNSUBSCRIBE", *some)
        wanted = (channel for channel in changed if channel in self._confirmed)
        for some in _chunks(wanted):
            self._on_the_way.extend((channel, self._confirmed[channel]) for channel in some)
            yield pack("SUBSCRIBE", *some)

    async def _read(self, link: AbstractConnection, listener: Listener) -> None:
        while True:
            kind, channel, data = await link.read_response()
            if kind == "message":
                listener.message(channel, data)
            elif kind == "subscribe" and channel != _KEEP_ALIVE:
                _, confirmed = self._on_the_way.popleft()
                if not confirmed.done():
                    confirmed.set_result(None)
                listener.confirmed(channel)


def _chunks(channels: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(channels)
    while chunk := list(islice(iterator, _AT_ONCE)):
        yield chunk
