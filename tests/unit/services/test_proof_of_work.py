"""A solution is good until its challenge expires, and a command that was sent twice spends it once."""

import pytest

from dormparty_sse.domain.clock import Clock
from dormparty_sse.domain.errors import ChallengeFailed
from dormparty_sse.domain.models import GateAnswer
from dormparty_sse.services.proof_of_work import ProofOfWork
from dormparty_sse.store.connection import Connection
from tests.support.gate import solution


class Memory(Connection):
    """Keeps values as Redis does; `loses_answers`: each command arrives twice."""

    def __init__(self, *, loses_answers: bool = False) -> None:
        self._values: dict[str, str] = {}
        self._loses_answers = loses_answers

    async def execute(self, *command: object, urgent: bool = True) -> object:  # noqa: ARG002  # the signature
        answer = self._do(*map(str, command))
        return self._do(*map(str, command)) if self._loses_answers else answer

    def _do(self, name: str, key: str, *rest: str) -> str | None:
        if name == "GET":
            return self._values.get(key)
        if key in self._values:
            return None
        self._values[key] = rest[0]
        return "OK"


@pytest.mark.parametrize(("after_s", "is_good"), [(299, True), (301, False)])
async def test_a_challenge_expires(after_s: int, is_good: bool) -> None:  # noqa: FBT001  # of the table
    now_s = 1_764_000_000.0
    gate = ProofOfWork(Memory(), Clock(wall=lambda: now_s), secrets=["a secret"], difficulty=4)
    answer = GateAnswer(**solution(dict(gate.challenge())))
    now_s += after_s
    if is_good:
        await gate.require(answer)
    with pytest.raises(ChallengeFailed):
        await gate.require(answer)


async def test_a_command_that_was_sent_twice_spends_a_solution_once() -> None:
    gate = ProofOfWork(Memory(loses_answers=True), Clock(), secrets=["a secret"], difficulty=4)
    answer = GateAnswer(**solution(dict(gate.challenge())))
    await gate.require(answer)
    with pytest.raises(ChallengeFailed):
        await gate.require(answer)
