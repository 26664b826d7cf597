"""100,000 bad requests of all kinds at once, while others go on meeting."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.hostile.attack import Outcome, attack_at_once
from tests.hostile.kind import Kind
from tests.hostile.kinds import KINDS
from tests.hostile.scene import Scene
from tests.hostile.state import HONEST, changes, everything
from tests.support.crowd import crowd
from tests.support.faults import workers
from tests.support.person import Person
from tests.support.restless import restless
from tests.support.stack import Stack

pytestmark = pytest.mark.busy

_REQUESTS = 100_000
_ATTACKERS = 8
_MOST_GROWTH_KIB = 8 * 1024  # from half of the requests to the end: less than 170 bytes for each


def _turns(first: int, count: int) -> list[tuple[Kind, int]]:
    """All kinds in turn, each time with another number; in an order of no pattern, the same each time."""
    turns = [(KINDS[turn % len(KINDS)], turn // len(KINDS)) for turn in range(first, first + count)]
    random.Random(first).shuffle(turns)  # noqa: S311  # to be repeated
    return turns


def _memory_kib(stack: Stack) -> int:
    """Of the service's process."""
    (worker,) = workers(stack.service)
    for line in Path(f"/proc/{worker}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


@pytest.fixture
async def honest(attacked: Stack) -> AsyncIterator[list[Person]]:
    """Some who want nothing but to meet."""
    async with crowd(attacked, 6, pool=HONEST) as people:
        yield people


@pytest.mark.timeout(400)
async def test_100_000_bad_requests_change_nothing_and_keep_nobody_from_meeting(
    attacked: Stack, scene: Scene, honest: list[Person]
) -> None:
    before = await everything(attacked)
    outcome = Outcome()
    async with restless(honest) as others:
        await attack_at_once(attacked.url, scene, _turns(0, _REQUESTS // 2), outcome, _ATTACKERS)
        memory_kib = _memory_kib(attacked)
        await attack_at_once(attacked.url, scene, _turns(_REQUESTS // 2, _REQUESTS // 2), outcome, _ATTACKERS)
        grown_kib = _memory_kib(attacked) - memory_kib
        await others.rest()
        await others.go_home()
        others.have_lost_nothing()

    for (kind, status), count in sorted(outcome.statuses.items()):
        print(f"{count:7,}  {status}  {kind}")
    print(f"memory {memory_kib} KiB at half, then {grown_kib:+} KiB; honest people: {dict(others.statuses)}")
    outcome.assert_right()
    assert outcome.sent == _REQUESTS
    assert changes(before, await everything(attacked)) == []
    await attacked.assert_sound(scene.pool)
    assert grown_kib < _MOST_GROWTH_KIB
    assert others.statuses[200] > 100
    assert others.statuses[503] == 0
    assert sum(event["type"] == "new-match" for someone in honest for event in someone.events) > 10
