"""Bars of devices: which one stands where several are given, at the same moment too."""

import asyncio
from collections.abc import AsyncIterator
from itertools import permutations

import pytest

from dormparty_sse.domain.moderation import Bar, BarKind
from dormparty_sse.domain.names import new_id
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.devices import Devices
from dormparty_sse.store.store import Store

HOUR_MS = 3_600_000


@pytest.fixture
async def devices(redis_url: str) -> AsyncIterator[Devices]:
    connection = Connection(
        redis_url, pool_size=4, connect_timeout_s=2, command_timeout_s=2, max_retries=10, soonest_retry_s=0.1
    )
    yield Devices(connection, memory_s=60)
    await connection.aclose()


@pytest.fixture
async def bars(store: Store) -> list[Bar]:
    """From the weakest to the strongest."""
    now = round(await store.time())
    kinds = ((BarKind.SUSPENDED, 1), (BarKind.SUSPENDED, 9), (BarKind.BANNED, 2), (BarKind.BANNED, 3))
    return [
        Bar(kind=kind, reason="spam", until=now + hours * HOUR_MS, origin="main" * (kind == "suspended"))
        for kind, hours in kinds
    ]


async def test_the_strongest_bar_stands_whatever_the_order(devices: Devices, bars: list[Bar]) -> None:
    for order in permutations(bars):
        device = new_id()
        *_, stands = [await devices.bar(device, bar) for bar in order]
        assert stands == await devices.bar_of(device) == bars[-1]


async def test_the_strongest_bar_stands_when_all_come_at_once(devices: Devices, bars: list[Bar]) -> None:
    for _ in range(50):
        device = new_id()
        await asyncio.gather(*(devices.bar(device, bar) for bar in reversed(bars)))
        assert await devices.bar_of(device) == bars[-1]


async def test_a_moderator_may_make_a_bar_shorter(devices: Devices, bars: list[Bar]) -> None:
    device = new_id()
    await devices.bar(device, bars[-1])
    assert await devices.bar(device, bars[-2], exactly=True) == await devices.bar_of(device) == bars[-2]


async def test_only_the_pool_whose_reports_it_rests_on_ends_a_suspension(
    devices: Devices, bars: list[Bar]
) -> None:
    device = new_id()
    await devices.bar(device, bars[0])
    assert await devices.unbar(device, origin="other") is None
    assert await devices.bar_of(device) == bars[0]
    assert await devices.unbar(device, origin="main") == bars[0]
    assert await devices.bar_of(device) is None


async def test_a_dismissal_ends_no_ban_and_a_moderator_ends_any(devices: Devices, bars: list[Bar]) -> None:
    device = new_id()
    await devices.bar(device, bars[-1])
    assert await devices.unbar(device, origin="main") is None
    assert await devices.unbar(device) == bars[-1]
    assert await devices.unbar(device) is None
