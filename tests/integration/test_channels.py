"""The channels on a real Redis: few commands for many subscribers, and no message missed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unittest.mock import create_autospec

import pytest
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection

from dormparty_sse.services.tasks import cancel
from dormparty_sse.store.channels import Channels
from tests.support.connections import connection_to
from tests.support.waiting import eventually

MANY = 500


class Heard:
    """Who listens, and what came."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []
        self.confirmations: list[str] = []
        self.interruptions = 0

    def message(self, channel: str, data: str) -> None:
        self.messages.append((channel, data))

    def interrupted(self) -> None:
        self.interruptions += 1

    def confirmed(self, channel: str) -> None:
        self.confirmations.append(channel)


@asynccontextmanager
async def listening(url: str, heard: Heard) -> AsyncIterator[Channels]:
    async with connection_to(url) as connection:
        channels = Channels(connection)
        task = asyncio.create_task(channels.listen(heard))
        try:
            yield channels
        finally:
            await cancel([task])


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def channels(redis_url: str, heard: Heard) -> AsyncIterator[Channels]:
    async with listening(redis_url, heard) as made:
        await made.subscribe("first")  # it is connected
        yield made


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


async def calls(redis: Redis, command: str) -> int:
    """How often Redis was given this command."""
    statistics = await redis.info("commandstats")
    return int(statistics.get(f"cmdstat_{command}", {}).get("calls", 0))


async def subscribers(redis: Redis, channel: str) -> int:
    ((_, number),) = await redis.pubsub_numsub(channel)
    return int(number)


async def test_many_who_come_or_go_at_once_cost_few_commands(channels: Channels, redis: Redis) -> None:
    names = [f"many-{number}" for number in range(MANY)]
    before = await calls(redis, "subscribe")
    await asyncio.gather(*map(channels.subscribe, names))
    assert await calls(redis, "subscribe") - before <= 2
    assert await subscribers(redis, names[-1]) == 1

    before = await calls(redis, "unsubscribe")
    for name in names:
        channels.unsubscribe(name)

    async def gone() -> bool:
        return await subscribers(redis, names[-1]) == 0

    await eventually(gone, what="nobody listens")
    assert await calls(redis, "unsubscribe") - before <= 2


async def test_who_comes_and_goes_in_quick_turns_misses_nothing_once_subscribed(
    channels: Channels, heard: Heard, redis: Redis
) -> None:
    rounds = 200
    for number in range(rounds):
        await channels.subscribe("turns")
        await redis.publish("turns", str(number))
        if number % 3 == 0:
            await asyncio.sleep(0)  # so that some turns meet a command on its way
        channels.unsubscribe("turns")
        if number % 5 == 0:
            await asyncio.sleep(0)
    await channels.subscribe("turns")
    await redis.publish("turns", "last")

    async def all_heard() -> bool:
        return heard.messages[-1:] == [("turns", "last")]

    await eventually(all_heard, what="the last message")
    assert heard.messages == [("turns", str(number)) for number in range(rounds)] + [("turns", "last")]


async def test_who_goes_while_its_subscription_is_on_the_way_does_not_confirm_that_of_the_next(
    channels: Channels, heard: Heard, redis: Redis
) -> None:
    for number in range(50):
        first = asyncio.create_task(channels.subscribe("next"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # by now the command may have left
        channels.unsubscribe("next")
        await asyncio.sleep(0)
        await channels.subscribe("next")
        await redis.publish("next", str(number))
        channels.unsubscribe("next")
        await first
    await channels.subscribe("next")
    await redis.publish("next", "last")

    async def all_heard() -> bool:
        return heard.messages[-1:] == [("next", "last")]

    await eventually(all_heard, what="the last message")
    assert heard.messages == [("next", str(number)) for number in range(50)] + [("next", "last")]


async def test_after_a_break_each_channel_is_confirmed_once_and_heard_again(
    channels: Channels, heard: Heard, redis: Redis
) -> None:
    names = [f"break-{number}" for number in range(10)]
    await asyncio.gather(*map(channels.subscribe, names))
    channels.unsubscribe(names[0])
    heard.confirmations.clear()
    await redis.client_kill_filter(_type="pubsub")

    async def confirmed() -> bool:
        return len(heard.confirmations) >= len(names)

    await eventually(confirmed, what="all channels again")
    assert sorted(heard.confirmations) == sorted([*names[1:], "first"])
    assert heard.interruptions == channels.breaks == 1
    assert await subscribers(redis, names[0]) == 0
    await redis.publish(names[1], "again")

    async def again() -> bool:
        return heard.messages == [(names[1], "again")]

    await eventually(again, what="a message")


@pytest.mark.parametrize("name", ["new", "first"])
async def test_who_subscribes_during_a_break_is_served_when_it_is_over(
    name: str, channels: Channels, heard: Heard, redis: Redis
) -> None:
    """Also to a channel that another one had before the break."""
    await redis.client_kill_filter(_type="pubsub")

    async def broken() -> bool:
        return channels.breaks == 1

    await eventually(broken, what="a break")
    await channels.subscribe(name)
    await redis.publish(name, "heard")

    async def there() -> bool:
        return heard.messages == [(name, "heard")]

    await eventually(there, what="a message")


async def test_a_connection_that_the_event_loop_has_closed_is_a_lost_one(redis_url: str) -> None:
    link = create_autospec(AbstractConnection, instance=True)
    link.send_packed_command.side_effect = RuntimeError("the handler is closed")
    async with connection_to(redis_url) as connection:
        with pytest.raises(ConnectionError):
            await Channels(connection)._listen(link, Heard())
