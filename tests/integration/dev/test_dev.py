"""`dormparty-sse dev`: it starts all, it stops all, and says in one line what is in its way."""

import asyncio
import json
import os
import resource
import signal
import socket
from functools import partial
from pathlib import Path

import pytest

from dormparty_sse.dev.network import answers_200
from tests.integration.dev.running import dev_env, run, running_dev

PARTS = {
    "Redis": r"redis-server|valkey-server",
    "LiveKit": "livekit-server",
    "the service": "dormparty_sse serve",
}


def test_the_last_line_is_the_page_to_open(directory: Path) -> None:
    with running_dev(directory) as dev:
        assert dev.lines[-1] == f"Open {dev.url}"
        assert asyncio.run(answers_200(int(dev.env["PORT"]), "/"))


@pytest.mark.parametrize(
    ("signum", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130), (signal.SIGHUP, 0)]
)
def test_a_signal_stops_everything(directory: Path, signum: signal.Signals, status: int) -> None:
    with running_dev(directory) as dev:
        dev.process.send_signal(signum)
        assert dev.exit_status() == status


@pytest.mark.parametrize("part", PARTS)
def test_the_crash_of_a_part_stops_everything_and_names_it(directory: Path, part: str) -> None:
    with running_dev(directory) as dev:
        os.kill(dev.pid_of(PARTS[part]), signal.SIGKILL)
        assert dev.exit_status() == 1
        log = directory / "log" / f"{part.removeprefix('the ').lower()}.log"
        assert dev.lines[-1] == f"{part} was killed by SIGKILL: see {log}"


def test_nothing_survives_a_kill_of_the_runner(directory: Path) -> None:
    with running_dev(directory) as dev:
        assert len(dev.all_pids()) >= 5  # the runner, Redis, LiveKit, gunicorn and its worker
        dev.process.kill()
        assert dev.exit_status() == -signal.SIGKILL


def test_secrets_are_kept_for_the_user_alone_and_never_printed(directory: Path) -> None:
    file = directory / "secrets.json"
    with running_dev(directory) as dev:
        first = json.loads(file.read_text())
        assert file.stat().st_mode & 0o777 == 0o600
        assert len(first["LIVEKIT_API_SECRET"]) >= 32
        said = dev.output.read_text() + "".join(dev.all_pids().values())
        logged = "".join(log.read_text() for log in (directory / "log").iterdir())
        assert not [name for name, secret in first.items() if secret in said + logged]
    with running_dev(directory):
        assert json.loads(file.read_text()) == first


@pytest.mark.parametrize("setting", ["PORT", "REDIS_PORT", "LIVEKIT_PORT", "LIVEKIT_UDP_PORT"])
def test_a_port_in_use_is_one_line_that_names_the_setting(directory: Path, setting: str) -> None:
    kind = socket.SOCK_DGRAM if setting == "LIVEKIT_UDP_PORT" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            other.listen()
        port = str(other.getsockname()[1])
        done = run("dev", env=dev_env(directory, **{setting: port}))
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert port in line
    assert f"set {setting} to another" in line


@pytest.mark.parametrize(
    ("setting", "value"),
    [("PORT", "http"), ("LIVEKIT_PORT", "0"), ("LOG_LEVEL", "LOUD"), ("SESSION_SECRET", "short")],
)
def test_a_wrong_setting_is_one_line_that_names_it(directory: Path, setting: str, value: str) -> None:
    done = run("dev", env=dev_env(directory, **{setting: value}))
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith(f"{setting} is wrong")


def test_two_at_once_do_not_share_their_data(directory: Path) -> None:
    with running_dev(directory):
        done = run("dev", env=dev_env(directory))
    assert done.returncode == 1
    assert done.stderr == f"another `dev` runs in {directory}: stop it, or set DEV_DIR\n"


def test_a_directory_that_cannot_be_made_is_one_line(directory: Path) -> None:
    directory.write_text("a file is in the way")
    done = run("dev", env=dev_env(directory))
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.endswith("set DEV_DIR to another place")


def test_a_disk_that_takes_no_more_is_one_line(directory: Path) -> None:
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    limit((2**20, before[1]))  # inherited: to the child, the disk is full after 1 MiB
    try:
        done = run("dev", env=dev_env(directory))
    finally:
        limit(before)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.endswith("free some space, or set DEV_DIR to another place")
