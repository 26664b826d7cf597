"""The clock follows Redis's, neither the machine's nor a slow answer."""

import math
from typing import Any

import pytest

from dormparty_sse.domain.clock import Clock, in_force

REDIS_S = 1_700_000_000.0
WRONG_S = REDIS_S + 3600


class World:
    """Redis's clock, and a machine whose own clock is an hour wrong."""

    def __init__(self) -> None:
        self.passed_s = 0.0
        self.redis_s = REDIS_S
        self.wall_s = WRONG_S
        self.clock = Clock(monotonic=lambda: 500 + self.passed_s, wall=lambda: self.wall_s + self.passed_s)

    def wait(self, seconds: float) -> None:
        self.passed_s += seconds

    def answer(self, age_s: float = 0.0) -> None:
        """An answer arrives that is this old."""
        self.clock.learn((self.redis_s + self.passed_s - age_s) * 1000)

    @property
    def behind_s(self) -> float:
        """How far the clock is behind Redis's."""
        return self.redis_s + self.passed_s - self.clock.now_s()


def close_to(seconds: float) -> Any:
    return pytest.approx(seconds, abs=1e-5)


def test_machine_s_clock_stands_in_until_redis_s_is_seen() -> None:
    world = World()
    world.wait(5)
    assert world.clock.now_s() == WRONG_S + 5
    world.answer()
    assert world.clock.now_s() == close_to(REDIS_S + 5)
    assert world.clock.now_ms() == (REDIS_S + 5) * 1000


def test_goes_on_alone_and_ignores_the_machine_s_clock() -> None:
    world = World()
    world.answer()
    world.wait(7200)
    world.wall_s -= 9999
    assert world.behind_s == close_to(0)


def test_slow_answer_moves_nothing() -> None:
    world = World()
    world.answer(0.001)
    for age_s in (5, 0.2, 9):
        world.wait(1)
        world.answer(age_s)
        assert world.behind_s == close_to(0.001)


def test_quicker_answer_corrects_a_slow_first_one() -> None:
    world = World()
    world.answer(0.8)
    assert world.behind_s == close_to(0.8)
    world.answer(0.001)
    assert world.behind_s == close_to(0.001)


def test_slow_answer_at_the_start_of_a_window_moves_nothing() -> None:
    world = World()
    world.answer(0.001)
    world.wait(31)
    world.answer(2)
    assert world.behind_s == close_to(0.001)


def test_redis_s_clock_set_forward_is_followed_at_once() -> None:
    world = World()
    world.answer()
    world.redis_s += 60
    world.answer()
    assert world.behind_s == close_to(0)


def test_redis_s_clock_set_back_is_followed_after_a_while_and_no_further() -> None:
    world = World()
    world.answer()
    world.redis_s -= 60
    for _ in range(29):
        world.wait(1)
        world.answer(0.001)
        assert world.behind_s == close_to(-60)
    for _ in range(32):
        world.wait(1)
        world.answer(0.001)
    assert world.behind_s == close_to(0.001)


@pytest.mark.parametrize(
    ("claims", "counts"),
    [
        ({}, True),
        ({"exp": 100}, True),
        ({"exp": 90}, False),
        ({"exp": 91}, True),
        ({"nbf": 110, "exp": 200}, True),
        ({"nbf": 111, "exp": 200}, False),
        ({"iat": 110}, True),
        ({"iat": 111}, False),
        ({"exp": "200"}, True),
        ({"exp": "never"}, False),
        ({"exp": None}, False),
        ({"exp": math.inf}, False),
        ({"nbf": [], "exp": 200}, False),
    ],
)
def test_token_counts_from_its_beginning_to_its_end(claims: dict[str, Any], *, counts: bool) -> None:
    assert in_force(claims, now_s=100, leeway_s=10) is counts
