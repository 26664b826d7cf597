"""Each kind of bad request gets its right answer, and changes nothing."""

import pytest

from tests.hostile.attack import Outcome, attack
from tests.hostile.kinds import GROUPS, KINDS
from tests.hostile.scene import Scene
from tests.hostile.state import changes, everything
from tests.support.stack import Stack

pytestmark = pytest.mark.busy

_OF_EACH = 60  # so that every variant of a kind comes


def test_there_are_at_least_40_kinds() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS) >= 40


@pytest.mark.parametrize("group", GROUPS)
async def test_bad_requests_are_refused_and_change_nothing(group: str, attacked: Stack, scene: Scene) -> None:
    before = await everything(attacked)
    outcome = Outcome()
    for kind in GROUPS[group]:
        await attack(attacked.url, scene, [(kind, number) for number in range(_OF_EACH)], outcome)
    outcome.assert_right()
    assert changes(before, await everything(attacked)) == []
    await attacked.assert_sound(scene.pool)
