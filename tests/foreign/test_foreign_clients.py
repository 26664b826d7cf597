"""Clients of which none is ours get every event once and in order, through nginx and without."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from tests.foreign.clients import Follow
from tests.foreign.conftest import WAYS, Site
from tests.foreign.following import Following, all_of, following
from tests.support.person import Person, person
from tests.support.replay import busy, replayable
from tests.support.stack import Stack

_PAUSE_S = 0.02  # between two buttons; without, it would take all the processor that there is


@pytest.fixture(params=list(WAYS))
async def followings(
    request: pytest.FixtureRequest, stack: Stack, site: Site, clients: dict[str, Follow]
) -> AsyncIterator[list[Following]]:
    """One client, by every way it can come."""
    async with following(stack, site, clients, request.param) as running:
        yield running


@pytest.fixture
async def all_followings(
    stack: Stack, site: Site, clients: dict[str, Follow]
) -> AsyncIterator[list[Following]]:
    """Every client by every way, for what happens to all at once."""
    async with following(stack, site, clients, *WAYS) as running:
        yield running


@asynccontextmanager
async def pressing(site: Site) -> AsyncIterator[list[str]]:
    """Somebody presses Start and End through nginx all the time; each time it must succeed."""
    pressed: list[str] = []

    async def press(someone: Person) -> None:
        while True:
            for action in ("enqueue", "heartbeat", "end"):
                await someone.post(action)
                await asyncio.sleep(_PAUSE_S)
            pressed.append(action)

    connector = aiohttp.TCPConnector(ssl=site.nginx.trust)
    async with (
        person(site.services[1].url, "main") as someone,
        aiohttp.ClientSession(connector=connector) as someone.http,
    ):
        someone.base_url = site.nginx.url
        task = asyncio.create_task(press(someone))
        try:
            yield pressed
        finally:
            ended = task.done()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if ended:
                task.result()


async def start(one: Following) -> None:
    await one.someone.post("enqueue")


async def end(one: Following) -> None:
    await one.someone.post("end")


async def part(someone: Person, room_name: str) -> None:
    """Leaves the room and says so."""
    await someone.leave_room()
    await someone.post("room-close-ack", roomName=room_name)


async def test_a_whole_call(followings: list[Following]) -> None:
    async def call(one: Following) -> None:
        someone, partner = one.someone, one.partner
        await someone.post("enqueue")
        await one.told("queued")
        await partner.listen()
        await partner.post("enqueue")
        match = await one.told("new-match")
        await someone.join(match)
        await partner.join(await partner.event("new-match"))
        await one.told("call-started", sessionId=match["sessionId"])
        await someone.post("skip", sessionId=match["sessionId"])
        closing = await one.told("room-closing", roomName=match["roomName"])
        for who in (someone, partner):
            await part(who, closing["roomName"])
        await one.told("requeued")
        await someone.post("end")
        await one.told_all()
        assert [event["type"] for event in replayable(one.events)] == [
            "queued",
            "new-match",
            "call-started",
            "skip-confirmed",
            "room-closing",
            "requeued",
            "idle",
        ]

    await all_of(followings, call)


async def test_cut_twice_in_a_call(followings: list[Following]) -> None:
    async def call(one: Following) -> None:
        someone, partner = one.someone, one.partner
        await someone.post("enqueue")
        await partner.listen()
        await partner.post("enqueue")
        match = await one.told("new-match")

        await one.network.shut()  # and nobody is let through, until the call has begun
        await someone.join(match)
        await partner.join(await partner.event("new-match"))
        await partner.event("call-started")
        await one.network.open()
        await one.told("call-started")

        await one.network.cut()
        await partner.post("skip", sessionId=match["sessionId"])
        closing = await one.told("room-closing")
        for who in (someone, partner):
            await part(who, closing["roomName"])
        await one.told("requeued")
        await someone.post("end")
        await one.told_all()
        assert not any(event.get("resync") for event in one.events)

    await all_of(followings, call)


async def test_away_for_longer_than_the_log_reaches_back(followings: list[Following], site: Site) -> None:
    async def go_away(one: Following) -> None:
        someone = one.someone
        someone.base_url = site.services[0].url  # which keeps a short log
        await someone.post("enqueue")
        last_told = await one.told("queued")

        await one.network.shut()
        await someone.post("end")
        while last_told["id"] in await one.stack.event_ids(someone.pool, someone.user_id):
            await busy(someone, 20)
        await someone.post("enqueue")
        await one.network.open()
        snapshot = await one.told("connected", resync=True)
        assert snapshot["state"] == "WAITING"
        await someone.post("end")
        await one.told_all(after=snapshot)

    await all_of(followings, go_away)


async def test_one_service_after_the_other_is_restarted(all_followings: list[Following], site: Site) -> None:
    async with pressing(site) as pressed:
        for service in site.services:
            await all_of(all_followings, start)
            stopping = asyncio.create_task(site.stop(service))
            await all_of(all_followings, end)
            await stopping
            await service.start()
    assert len(pressed) > 20
    for one in all_followings:
        await one.told("draining")
        await one.told_all()
        assert not any(event.get("resync") for event in one.events)


async def test_all_services_are_restarted_at_once(all_followings: list[Following], site: Site) -> None:
    await site.stop(*site.services)
    await all_of(all_followings, start)
    for protocol in ("HTTP/1.1", "HTTP/2.0"):
        await site.nginx.logs(f'GET /api/matching/events {protocol}" 444 ')  # somebody was sent away
    await asyncio.gather(*(service.start() for service in site.services))
    await all_of(all_followings, end)
    await all_of(all_followings, Following.told_all)
