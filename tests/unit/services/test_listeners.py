"""Listeners: told in order; one that raises or hangs disturbs nobody."""

import asyncio

import pytest

from dormparty_sse.domain.errors import DormPartyError, StateAway
from dormparty_sse.domain.models import Commit
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.services.commits import Commits
from dormparty_sse.services.listeners import Listeners
from dormparty_sse.services.tasks import Tasks
from tests.support.waiting import eventually

TIMEOUT_S = 0.05


def commit(now: int) -> Commit:
    return Commit(
        outcome=Outcome.DONE, pool="main", now=now, transitions=(), due_at=None, rematch=False, fields={}
    )


class Heard(list[int]):
    """A listener that remembers."""

    async def __call__(self, number: int) -> None:
        self.append(number)

    async def all_of(self, *numbers: int) -> None:
        """Waits until it has heard exactly these, in order."""

        async def heard() -> bool:
            return len(self) >= len(numbers)

        await eventually(heard, 2, f"{numbers}, so far {self}")
        assert self == list(numbers)


@pytest.fixture
def listeners() -> Listeners[int]:
    return Listeners(Tasks(), timeout_s=TIMEOUT_S, backlog=3)


async def test_everybody_hears_everything_in_order(listeners: Listeners[int]) -> None:
    one, other = Heard(), Heard()
    listeners.add(one)
    listeners.add(other)
    for number in (1, 2, 3):
        listeners.tell(number)
    await one.all_of(1, 2, 3)
    await other.all_of(1, 2, 3)


async def test_who_has_gone_hears_nothing_more(listeners: Listeners[int]) -> None:
    stays, goes = Heard(), Heard()
    listeners.add(stays)
    leave = listeners.add(goes)
    listeners.tell(1)
    await goes.all_of(1)
    leave()
    listeners.tell(2)
    await stays.all_of(1, 2)
    assert goes == [1]


async def test_one_that_raises_disturbs_nobody_and_hears_the_next(listeners: Listeners[int]) -> None:
    quiet, heard_by_raising = Heard(), Heard()

    async def raising(number: int) -> None:
        await heard_by_raising(number)
        raise RuntimeError

    listeners.add(raising)
    listeners.add(quiet)
    for number in (1, 2):
        listeners.tell(number)
    await quiet.all_of(1, 2)
    await heard_by_raising.all_of(1, 2)


async def test_one_that_hangs_disturbs_nobody_and_hears_the_next(listeners: Listeners[int]) -> None:
    quiet, heard_by_hanging = Heard(), Heard()

    async def hanging(number: int) -> None:
        await heard_by_hanging(number)
        await asyncio.Event().wait()

    listeners.add(hanging)
    listeners.add(quiet)
    for number in (1, 2):
        listeners.tell(number)
    await quiet.all_of(1, 2)
    await heard_by_hanging.all_of(1, 2)


async def test_one_that_is_too_slow_misses_the_oldest(listeners: Listeners[int]) -> None:
    go_on, slow = asyncio.Event(), Heard()

    async def slowly(number: int) -> None:
        await go_on.wait()
        await slow(number)

    listeners.add(slowly)
    for number in range(6):
        listeners.tell(number)
    go_on.set()
    await slow.all_of(3, 4, 5)


async def test_commits_tell_of_what_was_done_and_of_what_failed() -> None:
    commits = Commits(Tasks())
    done, failed = Heard(), list[str]()

    async def note_commit(told: Commit) -> None:
        await done(told.now)

    async def note_error(error: DormPartyError) -> None:
        failed.append(error.code)

    commits.listeners.add(note_commit)
    commits.error_listeners.add(note_error)

    async def good() -> Commit:
        return commit(7)

    async def bad() -> Commit:
        raise StateAway

    assert (await commits.run(good())).now == 7
    with pytest.raises(StateAway):
        await commits.run(bad())
    await done.all_of(7)

    async def told() -> bool:
        return failed == ["unavailable"]

    await eventually(told, 2, "the error listener is told")
