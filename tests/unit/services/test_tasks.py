"""Rounds: everybody has a turn in each, at a moment that does not move when others come and go."""

import asyncio

from dormparty_sse.services.tasks import go_round
from tests.support.waiting import eventually


class Somebody:
    """Who has turns."""


async def rounds_of(people: list[Somebody], leaves: int, *, rounds: int) -> list[list[Somebody]]:
    """Who had a turn in each round, in order; after the first, one of the people is gone."""
    turns: list[Somebody] = []
    seen: list[list[Somebody]] = []

    def everybody() -> list[Somebody]:
        if turns:
            seen.append(list(turns))
            turns.clear()
            if len(seen) == 1:
                del people[leaves]
        return list(people)

    async def work(some: list[Somebody]) -> None:
        turns.extend(some)

    going = asyncio.create_task(go_round(0.05, everybody, work, "test"))

    async def enough() -> bool:
        return len(seen) >= rounds

    await eventually(enough, what="rounds")
    going.cancel()
    return seen


async def test_each_has_one_turn_in_each_round() -> None:
    people = [Somebody() for _ in range(57)]
    first, second, *_ = await rounds_of(list(people), 0, rounds=2)
    assert sorted(map(id, first)) == sorted(map(id, people))
    assert sorted(map(id, second)) == sorted(map(id, people[1:]))


async def test_the_order_of_turns_stays_when_somebody_goes() -> None:
    people = [Somebody() for _ in range(57)]
    gone = people[3]
    first, second, *_ = await rounds_of(people, 3, rounds=2)
    assert second == [one for one in first if one is not gone]


async def test_a_turn_that_fails_ends_no_round() -> None:
    turns = 0

    async def fail(_some: list[Somebody]) -> None:
        nonlocal turns
        turns += 1
        raise ValueError

    going = asyncio.create_task(go_round(0.01, lambda: [Somebody()], fail, "test"))

    async def again() -> bool:
        return turns >= 3

    await eventually(again, what="more turns")
    going.cancel()
