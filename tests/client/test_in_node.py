"""Runs what is tested in Node itself, against a server that is not the real one and has every fault."""

from pathlib import Path

import pytest

from tests.client.conftest import RunNode

_FILES = sorted(Path(__file__).parent.glob("*.test.mjs"))


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.name)
def test_in_node(file: Path, run_node: RunNode) -> None:
    run_node("--test", file)
