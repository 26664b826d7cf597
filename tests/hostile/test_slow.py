"""2,000 connections that send a byte now and then: they are dropped, the others served all the while."""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.crowd import crowd
from tests.support.restless import restless
from tests.support.slow_clients import SlowClients, slow_clients
from tests.support.stack import Stack, clean_stack
from tests.support.waiting import eventually

pytestmark = pytest.mark.busy

_COUNT = 2_000
_PATIENCE = {"REQUEST_TIMEOUT_S": "4"}


@pytest.fixture
async def patient(tmp_path: Path) -> AsyncIterator[Stack]:
    """A stack whose service waits a few seconds for a request."""
    async with clean_stack(tmp_path, **_PATIENCE) as running:
        yield running


async def _are_dropped(clients: SlowClients) -> None:
    async def dropped() -> bool:
        return clients.open == 0

    await eventually(dropped, 40, "the end of all slow connections")


async def test_slow_connections_are_dropped_and_the_others_served(patient: Stack) -> None:
    pool = f"pool-{secrets.token_hex(6)}"
    async with crowd(patient, 6, pool=pool) as people, restless(people) as others:
        async with slow_clients(patient.url, _COUNT, comes_back=False) as clients:
            assert clients.refused == 0
            assert clients.open > _COUNT / 2
            await _are_dropped(clients)
        await others.rest()
        await others.go_home()
        others.have_lost_nothing()
    assert others.statuses[503] == 0
    assert others.statuses[200] > 20
