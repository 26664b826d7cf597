"""Sending bad requests: many, fast, and each with its answer looked at."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from tests.hostile.kind import Kind
from tests.hostile.scene import Scene
from tests.support.wire import Answer, wire

_TOGETHER = 20  # requests on their way at once on one connection
_ON_A_CONNECTION = 200  # requests, then there is a new one
_MOST_TOLD = 20  # wrong answers; there may be thousands


@dataclass(slots=True)
class Outcome:
    """What came back."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)  #: By kind and status.
    wrong: list[str] = field(default_factory=list)  #: Answers that are not the right one.

    @property
    def sent(self) -> int:
        """How many requests were answered."""
        return self.statuses.total()

    def note(self, kind: Kind, request: bytes, answers: Sequence[Answer]) -> None:
        """Looks at the answers to one request."""
        self.statuses[kind.name, answers[0].status if answers else 0] += 1
        if wrong := kind.wrong(answers):
            self.wrong.append(f"{kind.name}: {request[:200]!r} gets {wrong}")

    def assert_right(self) -> None:
        """Every answer was the right one."""
        assert not self.wrong, f"{len(self.wrong)} wrong answers, such as\n" + "\n".join(
            self.wrong[:_MOST_TOLD]
        )


async def attack(url: str, scene: Scene, turns: Iterable[tuple[Kind, int]], outcome: Outcome) -> None:
    """Sends the request of each (kind, number), one behind the other.

    One that ends its connection has a connection of its own.
    """
    waiting: list[tuple[Kind, bytes]] = []
    for kind, number in turns:
        request = kind.make(scene, number)
        if kind.ends:
            async with wire(url) as connection:
                outcome.note(kind, request, await connection.last(request))
            continue
        waiting.append((kind, request))
        if len(waiting) == _ON_A_CONNECTION:
            await _send(url, waiting, outcome)
            waiting = []
    await _send(url, waiting, outcome)


async def _send(url: str, requests: Sequence[tuple[Kind, bytes]], outcome: Outcome) -> None:
    async with wire(url) as connection:
        for first in range(0, len(requests), _TOGETHER):
            batch = requests[first : first + _TOGETHER]
            answers = await connection.exchange([request for _, request in batch])
            for (kind, request), answer in zip_longest(batch, answers):
                outcome.note(kind, request, [answer] if answer else [])
            if len(answers) < len(batch):  # closed, which no answer of these says
                return


async def attack_at_once(
    url: str, scene: Scene, turns: Sequence[tuple[Kind, int]], outcome: Outcome, attackers: int
) -> None:
    """So many attackers share the turns."""
    await asyncio.gather(
        *(attack(url, scene, turns[first::attackers], outcome) for first in range(attackers))
    )
