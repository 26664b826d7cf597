"""The hub on a real Redis: whatever breaks, and when, each stream brings every event once."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from dormparty_sse.dev.network import free_port
from dormparty_sse.dev.redis_server import redis_server
from dormparty_sse.dev.server import Server
from dormparty_sse.domain.errors import StateAway
from dormparty_sse.domain.models import Commit, UserRef
from dormparty_sse.domain.names import new_id
from dormparty_sse.store.keys import pool_key
from dormparty_sse.store.moderation import ModerationStore
from tests.support.hubs import Ear, Studio, studio, told
from tests.support.waiting import eventually

MANY = 300


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A Redis that these tests may break."""
    async with redis_server(tmp_path_factory.mktemp("redis"), free_port()) as running:
        yield running


@pytest.fixture
async def redis(server: Server) -> AsyncIterator[Redis]:
    async with Redis.from_url(server.url, decode_responses=True) as client:
        yield client


@pytest.fixture
async def ours(server: Server) -> AsyncIterator[Studio]:
    async with studio(server.url) as made:
        yield made


@pytest.fixture
def pool() -> str:
    return f"pool-{secrets.token_hex(6)}"


def people(pool: str, number: int) -> list[UserRef]:
    return [UserRef(user_id=new_id(), pool=pool) for _ in range(number)]


async def cut_channels(redis: Redis) -> None:
    """Breaks the connections for pub/sub, and no other."""
    await redis.client_kill_filter(_type="pubsub")


async def cut_off(ours: Studio, redis: Redis) -> None:
    """Breaks the hub's connection for pub/sub; for a moment it hears nothing."""
    breaks = ours.hub._channels.breaks
    await cut_channels(redis)

    async def noticed() -> bool:
        return ours.hub._channels.breaks > breaks

    await eventually(noticed, what="a break")


def once_read(monkeypatch: pytest.MonkeyPatch, ours: Studio, *happens: Any) -> None:
    """Each time that a stream has read its log, and does not know it yet, the next of these happens."""
    open_stream, left = ours.store.open_stream, list(happens)

    async def open_and_more(user: UserRef, last_event_id: str | None) -> Commit:
        commit = await open_stream(user, last_event_id)
        if left:
            await left.pop(0)()
        return commit

    monkeypatch.setattr(ours.store, "open_stream", open_and_more)


async def test_a_break_between_the_reading_of_the_log_and_the_beginning_loses_nothing(
    ours: Studio, redis: Redis, pool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (user,) = people(pool, 1)

    async def break_and_step() -> None:
        await cut_off(ours, redis)
        await ours.step(user)  # nobody hears it

    once_read(monkeypatch, ours, break_and_step, break_and_step)
    ear = Ear()
    await ours.open(user, ear, "0-0")
    await ours.step(user)
    await told(ear, 1, 2, 3, 4, 5, 6)


async def test_a_step_between_the_reading_of_the_log_and_the_beginning_is_told_once(
    ours: Studio, pool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (user,) = people(pool, 1)
    await ours.step(user)
    once_read(monkeypatch, ours, lambda: ours.step(user))
    ear = Ear()
    await ours.open(user, ear, "0-0")
    await ours.step(user)
    await told(ear, 1, 2, 3, 4, 5, 6)


async def test_hundreds_catch_up_after_their_channels_alone_were_cut(
    ours: Studio, redis: Redis, pool: str
) -> None:
    users = people(pool, MANY)
    ears = [Ear() for _ in users]
    await asyncio.gather(*(ours.open(user, ear) for user, ear in zip(users, ears, strict=True)))
    for _ in range(2):
        await cut_channels(redis)
        await ours.step(*users)
    for ear in ears:
        await told(ear, 1, 2, 3, 4)
        assert ear.types().count("connected") == 1


async def test_hundreds_catch_up_after_redis_was_killed(ours: Studio, server: Server, pool: str) -> None:
    users = people(pool, MANY)
    ears = [Ear() for _ in users]
    await asyncio.gather(*(ours.open(user, ear) for user, ear in zip(users, ears, strict=True)))
    await ours.step(*users)
    await server.kill()
    await server.start()
    async with studio(server.url) as others:  # which are there before ours are back
        await others.step(*users)
    for ear in ears:
        await told(ear, 1, 2, 3, 4)
        assert ear.types().count("connected") == 1


async def of_another_type(redis: Redis, log: str) -> None:
    await redis.set(log, "no log")


async def with_an_entry_that_is_no_event(redis: Redis, log: str) -> None:
    await redis.xadd(log, {"data": "nonsense"})


async def with_a_match_that_lacks_its_room(redis: Redis, log: str) -> None:
    await redis.xadd(log, {"data": '{"type": "new-match", "timestamp": 1}'})


@pytest.mark.parametrize(
    "damage", [of_another_type, with_an_entry_that_is_no_event, with_a_match_that_lacks_its_room]
)
async def test_a_damaged_log_keeps_nobody_else_from_catching_up(
    damage: Callable[[Redis, str], Awaitable[None]], ours: Studio, redis: Redis, pool: str
) -> None:
    users = people(pool, 5)
    ears = [Ear() for _ in users]
    for user, ear in zip(users, ears, strict=True):
        await ours.open(user, ear)
    damaged = 2
    log = pool_key(pool, "log", users[damaged].user_id)
    await damage(redis, log)
    await cut_channels(redis)
    sound = [number for number in range(len(users)) if number != damaged]
    await ours.step(*(users[number] for number in sound))
    for number in sound:
        await told(ears[number], 1, 2)

    async def sent_back() -> bool:
        return ears[damaged].types() == ["connected", "draining"]

    await eventually(sent_back, what="a new beginning for the one whose log is damaged")
    await redis.delete(log)


async def test_a_stream_that_could_not_be_opened_leaves_nothing_behind(
    ours: Studio, server: Server, pool: str
) -> None:
    (user,) = people(pool, 1)
    await server.kill()
    try:
        with pytest.raises(StateAway):
            await ours.open(user, Ear())
        assert ours.hub.streams == []
    finally:
        await server.start()

    async def opened() -> bool:
        try:
            await ours.open(user, Ear())
        except StateAway:
            return False
        return True

    await eventually(opened, what="a stream")
    assert ours.counts().value("dormparty_streams") == 1


async def test_the_channel_of_a_stream_that_has_ended_is_left(ours: Studio, redis: Redis, pool: str) -> None:
    (user,) = people(pool, 1)
    channel = pool_key(pool, "events", user.user_id)

    async def listeners() -> int:
        ((_, number),) = await redis.pubsub_numsub(channel)
        return int(number)

    ears = [Ear(), Ear()]
    await ours.open(user, ears[0])
    await ours.open(user, ears[1])
    assert await listeners() == 1
    ears[1].hang_up()

    async def nobody() -> bool:
        return await listeners() == 0

    await eventually(nobody, what="nobody listens")


async def sign_out(ours: Studio, user: UserRef) -> None:
    await ours.store.sign_out(user, 60_000)


async def ban(ours: Studio, user: UserRef) -> None:
    moderation = ModerationStore(ours.store)
    await moderation.ban(user, "for a test", for_ms=60_000, with_device=False, by="a moderator")


async def has_been_sent_back(ear: Ear) -> None:
    async def is_so() -> bool:
        return ear.types() == ["connected", "draining"]

    await eventually(is_so, what="the end of the stream")


@pytest.mark.parametrize("shut_out", [sign_out, ban])
async def test_a_stream_that_was_just_being_opened_when_its_user_was_shut_out_ends(
    shut_out: Callable[[Studio, UserRef], Awaitable[None]], ours: Studio, pool: str
) -> None:
    (user,) = people(pool, 1)
    await shut_out(ours, user)  # its request had been let in before
    ear = Ear()
    await ours.open(user, ear)
    await has_been_sent_back(ear)


@pytest.mark.parametrize("shut_out", [sign_out, ban])
async def test_a_stream_whose_hub_does_not_hear_that_its_user_is_shut_out_ends_when_it_hears_again(
    shut_out: Callable[[Studio, UserRef], Awaitable[None]], ours: Studio, redis: Redis, pool: str
) -> None:
    shut, other = people(pool, 2)
    ears = {user: Ear() for user in (shut, other)}
    for user, ear in ears.items():
        await ours.open(user, ear)
    await cut_off(ours, redis)
    await shut_out(ours, shut)
    await has_been_sent_back(ears[shut])
    await ours.step(other)
    await told(ears[other], 1, 2)
