"""Others' clients at work: each follows a user, and in the end must have told all of the user's log."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from dormparty_sse.store.keys import pool_key
from tests.foreign.clients import Follow
from tests.foreign.conftest import WAYS, Site, network_to
from tests.support.crowd import crowd
from tests.support.person import Event, Person
from tests.support.proxy import Proxy
from tests.support.replay import assert_gapless, replayable
from tests.support.stack import Stack
from tests.support.waiting import eventually


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """A user, whose stream is in foreign hands, and somebody to meet."""

    name: str  #: Which client, and how it comes to the service.
    stack: Stack
    network: Proxy  #: The client's.
    someone: Person  #: Acts by itself, past the client's network.
    partner: Person
    events: list[Event]  #: What the client has been told.

    async def told(self, event_type: str, **members: object) -> Event:
        """Waits until the client has been told of this."""

        async def found() -> Event | None:
            wanted = {"type": event_type, **members}.items()
            return next((event for event in reversed(self.events) if wanted <= event.items()), None)

        types = [event["type"] for event in self.events]
        event = await eventually(found, 20, f"{self.name}: {event_type} {members} after {types}")
        assert event
        return event

    async def told_all(self, after: Event | None = None) -> None:
        """Waits until the client knows all of the log, or all after a snapshot: each event once, in order."""
        held = await self.stack.events(self.someone.pool, self.someone.user_id)
        if after:
            held = held[[entry_id for entry_id, _ in held].index(after["id"]) + 1 :]

        async def complete() -> bool:
            return any(event.get("id") == held[-1][0] for event in self.events)

        await eventually(complete, 20, f"{self.name}: the end of the log")
        told = self.events[self.events.index(after) :] if after else self.events
        assert [(event["id"], event["type"]) for event in replayable(told)] == held, self.name
        assert_gapless(told, after["seq"] if after else 0)


@asynccontextmanager
async def following(
    stack: Stack, site: Site, clients: dict[str, Follow], *names: str
) -> AsyncIterator[list[Following]]:
    """These clients, each by every way it can come. In the end the audit finds nothing."""
    async with AsyncExitStack() as running:

        async def begin(name: str, *, by_nginx: bool, http2: bool) -> Following:
            network, way = await running.enter_async_context(network_to(site, by_nginx=by_nginx, http2=http2))
            # Audited by who keeps a log no longer than the services here do.
            people = crowd(replace(stack, url=site.services[0].url), 2, url=stack.url)
            someone, partner = await running.enter_async_context(people)
            running.push_async_callback(nobody_listens, stack, someone)
            events = await running.enter_async_context(clients[name](way, someone))
            one = Following(
                name=f"{name}, {way.name}",
                stack=stack,
                network=network,
                someone=someone,
                partner=partner,
                events=events,
            )
            await one.told("connected")
            return one

        yield [
            await begin(name, by_nginx=by_nginx, http2=http2)
            for name in names
            for by_nginx, http2 in WAYS[name]
        ]


async def nobody_listens(stack: Stack, someone: Person) -> None:
    """Waits until no service has a stream of this user any more: a client that goes is noticed."""
    channel = pool_key(someone.pool, "events", someone.user_id)

    async def gone() -> bool:
        return await stack.redis.pubsub_numsub(channel) == [(channel, 0)]

    await eventually(gone, what="the end of a stream")


async def all_of(followings: list[Following], scenario: Callable[[Following], Awaitable[None]]) -> None:
    """Plays a scenario with all of them at once."""
    await asyncio.gather(*map(scenario, followings))
