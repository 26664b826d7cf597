"""Fixtures: Node.js, wherever it comes from."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from dormparty_sse.dev.node import Node, node
from tests.support.stack import ROOT

CLIENT = ROOT / "dormparty_sse/web/static"


class RunNode(Protocol):
    """Runs Node.js on these arguments, in the repository; `npm=True`: npm."""

    def __call__(self, *arguments: str | Path, npm: bool = False, cwd: Path = ROOT) -> str: ...


@pytest.fixture(scope="session")
def nodejs() -> Iterator[Node]:
    """Node.js and npm."""
    with node() as found:
        yield found


@pytest.fixture(scope="session")
def run_node(nodejs: Node) -> RunNode:
    """Runs it; what it printed where it must succeed, or else the test fails with that."""

    def run(*arguments: str | Path, npm: bool = False, cwd: Path = ROOT) -> str:
        command = [*(nodejs.npm if npm else nodejs.node), *arguments]
        env = {**os.environ, **nodejs.env}
        done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    return run
