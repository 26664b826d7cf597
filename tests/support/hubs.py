"""A hub of the test's own on a real Redis, without web or LiveKit, and readers that keep what they get."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from unittest.mock import create_autospec

from dormparty_sse.domain.clock import Clock
from dormparty_sse.domain.models import Event, UserRef
from dormparty_sse.domain.rules import Rules
from dormparty_sse.livekit.tokens import TokenMint
from dormparty_sse.services.addresses import Addresses
from dormparty_sse.services.commits import Commits
from dormparty_sse.services.hangups import Hangups
from dormparty_sse.services.health import RoomsHealth
from dormparty_sse.services.hub import Hub
from dormparty_sse.services.metrics import Metrics
from dormparty_sse.services.stream import Stream
from dormparty_sse.services.tasks import Tasks, cancel
from dormparty_sse.services.views import Views
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.keys import pool_key
from dormparty_sse.store.store import Store
from tests.support.metrics import Scrape
from tests.support.stack import KEY, SECRET
from tests.support.waiting import eventually

BUFFER = 4


class Ear:
    """A `Reader` in this process. It takes what it is told, until the test says otherwise."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.address = address
        self.events: list[Event] = []
        self.waiting = 0
        self.stuck_s = 0.0
        self.is_stuck = False
        self._gone: Callable[[], None] | None = None

    async def start(self, gone: Callable[[], None]) -> None:
        self._gone = gone

    def responds(self) -> bool:
        return True

    def tell(self, *events: Event) -> None:
        self.events += events
        self.waiting += self.is_stuck

    def ping(self) -> None: ...

    def finish(self, *, come_back: bool = False) -> None:  # noqa: ARG002  # it is over all the same
        self.hang_up()

    def cut_off(self) -> None:
        self.hang_up()

    def hang_up(self) -> None:
        """The connection is no more."""
        gone, self._gone = self._gone, None
        if gone:
            gone()

    def types(self) -> list[str]:
        """Of all that it was told."""
        return [event.type for event in self.events]

    def steps(self) -> list[int]:
        """The seqs it was told, without those of snapshots."""
        return [
            event.data["seq"] for event in self.events if event.type != "connected" and "seq" in event.data
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Studio:
    """A hub that listens, and what it is made of."""

    hub: Hub
    store: Store
    connection: Connection
    metrics: Metrics

    async def open(self, user: UserRef, ear: Ear, last_event_id: str | None = None) -> Stream:
        """The user's stream, to this ear."""
        return await self.hub.open(user, last_event_id, ear)

    async def step(self, *users: UserRef) -> None:
        """Two steps of each: into the queue, and home again."""
        for command in (lambda user: self.store.enqueue(user, []), lambda user: self.store.end(user, None)):
            await asyncio.gather(*map(command, users))

    def counts(self) -> Scrape:
        """What the metrics say."""
        return Scrape(self.metrics.exposition(None).decode())


@asynccontextmanager
async def studio(url: str, rules: Rules | None = None) -> AsyncIterator[Studio]:
    """A hub on the Redis of this URL, until the context ends."""
    connection = Connection(
        url, pool_size=4, connect_timeout_s=2, command_timeout_s=2, max_retries=10, soonest_retry_s=0.1
    )
    tasks, clock, metrics, store = Tasks(), Clock(), Metrics(), Store(connection, rules or Rules())
    mint = TokenMint(api_key=KEY.key, api_secret=KEY.secret, clock=clock, ttl_s=60)
    views = Views(mint, "ws://livekit", create_autospec(RoomsHealth, instance=True, away=False), clock)
    hangups = Hangups(connection, store, Commits(tasks), clock, tasks, Addresses(SECRET))
    hub = Hub(connection, store, views, hangups, metrics, clock, tasks, buffer=BUFFER)
    listening = asyncio.create_task(hub.listen())
    try:
        yield Studio(hub=hub, store=store, connection=connection, metrics=metrics)
    finally:
        await cancel([listening])
        await tasks.finish(1)
        await connection.aclose()


async def publish(studio: Studio, user: UserRef, event_id: str, data: str) -> None:
    """An event on the user's channel, as the scripts send it."""
    channel = pool_key(user.pool, "events", user.user_id)
    await studio.connection.execute("PUBLISH", channel, f"{event_id} {data}")


async def told(ear: Ear, *steps: int) -> None:
    """Waits until an ear was told of exactly these steps, in this order."""

    async def all_of_them() -> bool:
        return ear.steps()[-1:] == list(steps[-1:])

    await eventually(all_of_them, what=f"steps {steps}")
    assert ear.steps() == list(steps)
