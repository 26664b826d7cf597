"""Webhooks are lost, late, doubled, turned round or slow for a minute of calls: nobody is stuck."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.support.caller import traffic
from tests.support.crowd import crowd
from tests.support.relay import Fate, Relay
from tests.support.replay import told_of_every_step
from tests.support.stack import running_stack
from tests.support.waiting import eventually

TRAFFIC_S = 60
PEOPLE = 3  # in each pool: one waits while the others are in a call


@pytest.mark.timeout(240)
async def test_calls_go_on_whatever_becomes_of_the_webhooks(directory: Path) -> None:
    async with (
        Relay().running() as relay,
        running_stack(directory, None, relay.port, CONNECT_TIMEOUT_S="15", PAIR_COOLDOWN_S="1") as stack,
        AsyncExitStack() as exits,
    ):
        relay.target = stack.url
        calling = {}
        for fate in Fate:
            people = await exits.enter_async_context(crowd(stack, PEOPLE))
            relay.fates[people[0].pool] = fate
            calling[fate] = await exits.enter_async_context(
                traffic(people, f"webhooks are {fate}", seed=list(Fate).index(fate), call_s=5)
            )
        await asyncio.sleep(TRAFFIC_S)
        for fate, pool in calling.items():
            await eventually(pool.has_reached_everybody, what=f"a call for everybody, with webhooks {fate}")
            await pool.rest()
            assert relay.seen[fate] > 0
        await asyncio.gather(*(pool.go_home() for pool in calling.values()))
        for pool in calling.values():
            for caller in pool.callers:
                await told_of_every_step(caller.person)
