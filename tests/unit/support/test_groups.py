"""Tests that must not run at the same time are in one group."""

import pytest


def test_test_processes_know_of_the_groups(request: pytest.FixtureRequest) -> None:
    has_groups = getattr(request.config.option, "loadgroup", False)  # set by pytest-xdist in its processes
    assert ("@" in request.node.nodeid) == has_groups
