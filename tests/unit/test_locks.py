"""Everything that is installed is pinned by its hash, and from no registry in particular."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.stack import ROOT

LOCKS = sorted((ROOT / "requirements").rglob("*.txt"))
NPM_LOCKS = [ROOT / "package-lock.json", ROOT / "tests/foreign/package-lock.json"]

_PINNED = re.compile(r"[\w.-]+(\[[\w,-]+\])?==[^\s;]+( ; [^\\]+)?(\s+--hash=sha256:[0-9a-f]{64})+", re.ASCII)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("lock", LOCKS, ids=named)
def test_every_requirement_has_a_version_and_hashes_and_nothing_else(lock: Path) -> None:
    requirements = lock.read_text().replace("\\\n", "").splitlines()
    assert requirements
    for requirement in requirements:
        assert _PINNED.fullmatch(requirement.strip()), requirement


@pytest.mark.parametrize("lock", LOCKS, ids=named)
def test_every_lock_is_of_an_in_file(lock: Path) -> None:
    wanted = re.findall(r"^(\w[\w.-]*)", lock.with_suffix(".in").read_text(), re.MULTILINE)
    locked = re.findall(r"^(\w[\w.-]*)", lock.read_text(), re.MULTILINE)
    assert {name.lower() for name in wanted} <= {name.lower() for name in locked}


@pytest.mark.parametrize("lock", NPM_LOCKS, ids=named)
def test_every_npm_package_has_an_integrity_hash_and_no_address(lock: Path) -> None:
    packages: dict[str, Any] = json.loads(lock.read_text())["packages"]
    installed = {name: package for name, package in packages.items() if name}
    assert installed
    for name, package in installed.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name


def test_the_image_installs_by_hash() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
    installs = [line for line in dockerfile.splitlines() if "pip install" in line]
    assert installs
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)
    assert "npm ci" in dockerfile
