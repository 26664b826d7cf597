"""A stack that is attacked, and the people on it."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import pytest

from tests.hostile.scene import Scene
from tests.support.calls import meet
from tests.support.person import person
from tests.support.stack import Stack, clean_stack
from tests.support.webhooks import livekit_room, post_raw, signature

POOL = "attacked"
_ATTACKS_S = 1_800  # for so long they last at most


@pytest.fixture(scope="session")
async def attacked(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """A stack of its own: tens of thousands of bad requests are in its log in the end, and no secret."""
    async with clean_stack(tmp_path_factory.mktemp("attacked"), REDIS_COMMAND_TIMEOUT="10") as running:
        yield running


@pytest.fixture(scope="session")
async def scene(attacked: Stack) -> AsyncIterator[Scene]:
    """Two calls, somebody who waits and somebody at home, who stay so for as long as the attacks last."""
    async with AsyncExitStack() as people:
        attacker, accomplice, victim, friend, waiting, idler = [
            await people.enter_async_context(person(attacked.url, POOL)) for _ in range(6)
        ]
        await meet(attacker, accomplice)
        await meet(victim, friend)
        await waiting.listen()
        await waiting.post("enqueue")
        match = await victim.match()
        room = await livekit_room(attacked, victim, match)
        body = json.dumps(room.event("participant_joined")).encode()
        captured = body, signature(body, expires_in_s=_ATTACKS_S)
        assert (await post_raw(attacked, *captured))[0] == 200
        yield Scene(
            host=urlsplit(attacked.url).netloc,
            pool=POOL,
            attacker=attacker,
            idler=idler,
            victim=victim,
            waiting=waiting,
            match=match,
            room=room,
            captured=captured,
        )
        await attacked.assert_sound(POOL)
