"""The table of actions decides: whoever changes it changes what the scripts do."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest

from dormparty_sse.domain.actions import ACTIONS, Action, Requirement
from dormparty_sse.domain.models import Commit, UserRef
from dormparty_sse.domain.names import room_name
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.domain.states import State
from dormparty_sse.store.scripts import script_text
from dormparty_sse.store.store import Store
from tests.integration.store.people import Pair, People
from tests.support.stores import connected_store

Ask = Callable[[Store, Pair], Awaitable[Commit]]


def acknowledge(store: Store, pair: Pair) -> Awaitable[Commit]:
    return store.acknowledge_room_closing(pair.a, room_name(pair.a.pool, pair.session_id))


#: What each action says in a state in which it acts, and what it says once it only answers there.
ASKED: dict[Action, tuple[State, Ask, Outcome, Outcome]] = {
    Action.ENQUEUE: (
        State.IDLE,
        lambda store, pair: store.enqueue(pair.a, []),
        Outcome.QUEUED,
        Outcome.ALREADY_QUEUED,
    ),
    Action.SKIP: (
        State.IN_CALL,
        lambda store, pair: store.skip(pair.a, pair.session_id),
        Outcome.SKIPPED,
        Outcome.NO_ACTIVE_MATCH,
    ),
    Action.END: (
        State.IN_CALL,
        lambda store, pair: store.end(pair.a, pair.session_id),
        Outcome.ENDED,
        Outcome.ALREADY_PROCESSED,
    ),
    Action.LEAVE: (
        State.WAITING,
        lambda store, pair: store.leave(pair.a, None),
        Outcome.CANCELLED,
        Outcome.ALREADY_PROCESSED,
    ),
    Action.ROOM_CLOSE_ACK: (
        State.DISCONNECTING,
        acknowledge,
        Outcome.ACKNOWLEDGED,
        Outcome.NOTHING_TO_ACKNOWLEDGE,
    ),
}


@pytest.fixture(params=Action)
def action(request: pytest.FixtureRequest) -> Action:
    return Action(request.param)


@pytest.fixture
async def refusing(redis_url: str, action: Action) -> AsyncIterator[Store]:
    """A store by whose table the action is refused where it would act."""
    with table_without(action, answers=False):
        async with connected_store(redis_url) as store:
            yield store


@pytest.fixture
async def answering(redis_url: str, action: Action) -> AsyncIterator[Store]:
    """A store by whose table the action does nothing where it would act, and says so."""
    with table_without(action, answers=True):
        async with connected_store(redis_url) as store:
            yield store


@contextmanager
def table_without(action: Action, *, answers: bool) -> Iterator[None]:
    """Stores made in this context have another table."""
    with pytest.MonkeyPatch.context() as changes:
        changes.setitem(ACTIONS, action, without(ACTIONS[action], ASKED[action][0], answers=answers))
        script_text.cache_clear()
        yield
    script_text.cache_clear()


def without(requirement: Requirement, state: State, *, answers: bool) -> Requirement:
    answers_in = requirement.answers_in | ({state} if answers else set())
    return Requirement(acts_in=requirement.acts_in - {state}, answers_in=answers_in)


async def seq_of(people: People, user: UserRef) -> str:
    return (await people.user(user))["seq"]


def test_every_action_is_asked() -> None:
    assert ASKED.keys() == set(Action)


async def test_where_the_table_acts_the_script_does(store: Store, people: People, action: Action) -> None:
    state, ask, acted, _ = ASKED[action]
    assert (await ask(store, await people.pair_in(state))).outcome is acted


async def test_where_the_table_refuses_the_script_does(
    people: People, refusing: Store, action: Action
) -> None:
    state, ask, _, _ = ASKED[action]
    pair = await people.pair_in(state)
    before = await seq_of(people, pair.a)
    commit = await ask(refusing, pair)
    assert (commit.outcome, commit.state) == (Outcome.INVALID_STATE, state)
    assert await seq_of(people, pair.a) == before


async def test_where_the_table_only_answers_the_script_does(
    people: People, answering: Store, action: Action
) -> None:
    state, ask, _, answered = ASKED[action]
    pair = await people.pair_in(state)
    before = await seq_of(people, pair.a)
    assert (await ask(answering, pair)).outcome is answered
    assert await seq_of(people, pair.a) == before
