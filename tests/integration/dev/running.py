"""`dormparty-sse dev` as a process of its own, with ports, data and a cache that nobody else uses."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dormparty_sse.dev.network import free_port

ROOT = Path(__file__).parents[3]
_COMMAND = [sys.executable, "-m", "dormparty_sse"]
_START_WITHIN_S = 30
_STOP_WITHIN_S = 15
_LOOK_EVERY_S = 0.05
_PAUSE = threading.Event()  # never set


def until(look: Callable[[], bool], timeout_s: float = _START_WITHIN_S) -> None:
    """Looks until `look` is true. For tests that watch processes and have no event loop."""
    deadline = time.monotonic() + timeout_s
    while not look():
        assert time.monotonic() < deadline, f"not so after {timeout_s} s"
        _PAUSE.wait(_LOOK_EVERY_S)


@dataclass(frozen=True, kw_only=True)
class Dev:
    """A running development environment."""

    process: subprocess.Popen[str]
    directory: Path
    env: dict[str, str]
    output: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.env['PORT']}"

    @property
    def lines(self) -> list[str]:
        """What it has printed on the terminal."""
        return self.output.read_text().splitlines()

    def all_pids(self) -> dict[int, str]:
        """Every process of this environment, by id, with its command line."""
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if self._owns(process):
                    found[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")
            except OSError:  # it has just ended
                continue
        return found

    def _owns(self, process: Path) -> bool:
        """By DEV_DIR, which children inherit, or, as Redis overwrites that, by where it works."""
        mark = f"DEV_DIR={self.directory}".encode()
        return mark in (process / "environ").read_bytes().split(b"\0") or (
            process / "cwd"
        ).readlink().is_relative_to(self.directory)

    def pid_of(self, part: str) -> int:
        """The first process whose command line names the part."""
        return min(pid for pid, command in self.all_pids().items() if re.search(part, command))

    def exit_status(self) -> int:
        """Wait for the end, and for nothing to be left over."""
        status = self.process.wait(_STOP_WITHIN_S)
        until(lambda: not self.all_pids(), _STOP_WITHIN_S)
        return status


def dev_env(directory: Path, **env: str) -> dict[str, str]:
    """An environment in which `dev` meets no other one."""
    ports = {name: str(free_port()) for name in ("PORT", "REDIS_PORT", "LIVEKIT_PORT")}
    udp_port = str(free_port(socket.SOCK_DGRAM))
    return {**os.environ, **ports, "LIVEKIT_UDP_PORT": udp_port, "DEV_DIR": str(directory), **env}


def run(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    return subprocess.run(
        [*_COMMAND, *arguments], env=env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


@contextmanager
def running_dev(directory: Path, **env: str) -> Iterator[Dev]:
    """Start `dev`, wait until it says which page to open, and stop it if the test has not."""
    directory.mkdir(parents=True, exist_ok=True)
    output = directory / "terminal"
    variables = dev_env(directory, **env)
    with output.open("w") as terminal:
        process = subprocess.Popen(
            [*_COMMAND, "dev"], env=variables, cwd=ROOT, text=True, stdout=terminal, stderr=terminal
        )
    dev = Dev(process=process, directory=directory, env=variables, output=output)
    try:
        until(lambda: any(line.startswith("Open ") for line in dev.lines) or process.poll() is not None)
        assert process.poll() is None, dev.lines
        yield dev
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            dev.exit_status()
