"""Fixtures: one real stack for the whole run, a pool of its own for each test, and the audit at the end."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from dormparty_sse.dev.network import free_port
from dormparty_sse.dev.redis_server import redis_server
from tests.support.alone import WATCH
from tests.support.person import Person, person
from tests.support.stack import Stack, clean_stack

_ORDER = ["browser", "busy", "faults", "foreign", "other"]
_TOGETHER = {"browser", "busy", "foreign"}

NewPerson = Callable[[], Awaitable[Person]]


@pytest.fixture(scope="session")
async def redis_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A Redis that no service looks after."""
    async with redis_server(tmp_path_factory.mktemp("redis"), free_port()) as server:
        yield server.url


@pytest.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """The stack that most tests share. A test that breaks parts of it starts one of its own."""
    async with clean_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture
async def pool(stack: Stack) -> AsyncIterator[str]:
    """A pool of this test's own. When the test is over, the audit must find nothing."""
    name = f"pool-{secrets.token_hex(6)}"
    yield name
    await stack.assert_sound(name)


@pytest.fixture
async def new_person(stack: Stack, pool: str) -> AsyncIterator[NewPerson]:
    """Makes people in the test's pool."""
    async with AsyncExitStack() as people:

        async def make() -> Person:
            return await people.enter_async_context(person(stack.url, pool))

        yield make


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where a test's own servers keep their data."""
    return tmp_path / "a path with spaces"


@pytest.hookimpl(tryfirst=True)  # pytest-xdist's own reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long comes first. One process has all browser tests, and one all that are busy.

    Two busy ones at once would slow each other down, and the clocks of all others. A file is never divided,
    since its tests share what they start; nor are the foreign clients, which are installed once.
    """
    items.sort(key=lambda item: _ORDER.index(_kind(item)))
    for item in items:
        kind = _kind(item)
        item.add_marker(pytest.mark.xdist_group(kind if kind in _TOGETHER else item.path.name))


def _kind(item: pytest.Item) -> str:
    if item.get_closest_marker("busy"):
        return "busy"
    folder = item.path.relative_to(Path(__file__).parent).parts[0]
    return folder if folder in _ORDER else "other"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A process of several hands what it has seen to the one that reports."""
    if output := getattr(session.config, "workeroutput", None):
        output["alone"] = WATCH.as_data()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Takes what a process has seen."""
    WATCH.add_data(getattr(node, "workeroutput", {}).get("alone", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figure of the fault tests: how long people were alone."""
    if lines := WATCH.lines():
        terminalreporter.section("alone in a room")
        for line in lines:
            terminalreporter.write_line(line)
