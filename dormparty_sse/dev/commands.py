"""Runs a command to its end, for provisioning."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from dormparty_sse.dev.errors import DevError
from dormparty_sse.dev.parent_death import dying_with_parent

_PROGRESS_INTERVAL_S = 10.0
_FULL_BYTES = 2**20


def output_of(command: Sequence[str | Path]) -> str | None:
    """What a command prints, or None if it does not run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def run(
    command: Sequence[str | Path],
    *,
    what: str,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a command, and print its last line every 10 s. Raises DevError with that line if it fails."""
    with log.open("wb") as output, _signals_raise():
        process = subprocess.Popen(
            dying_with_parent(command, signal.SIGKILL),
            cwd=cwd,
            env=env,
            stdout=output,
            stderr=output,
            start_new_session=True,  # so that what it starts can be ended with it, as a group
        )
        try:
            _wait(process, log)
        finally:
            with suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode != 0:
        raise DevError(f"{what} failed: {_reason(log)}")


@contextmanager
def _signals_raise() -> Iterator[None]:
    """SIGTERM and SIGHUP unwind the stack, as Ctrl-C does, so that nothing is left over."""

    def unwind(number: int, _frame: object) -> None:
        sys.exit(128 + number)

    before = {number: signal.signal(number, unwind) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    waited_s = 0.0
    while True:
        try:
            process.wait(_PROGRESS_INTERVAL_S)
        except subprocess.TimeoutExpired:
            waited_s += _PROGRESS_INTERVAL_S
            print(f"  {waited_s:.0f} s  {last_line(log)}".rstrip(), flush=True)
        else:
            return


def last_line(log: Path) -> str:
    """The last line of a log that says something, shortened to fit a terminal; empty if there is none."""
    lines = log.read_text(errors="replace").split("\n") if log.exists() else []
    said = [line.strip() for line in lines if line.strip()]
    return said[-1][:200] if said else ""


def _reason(log: Path) -> str:
    if shutil.disk_usage(log.parent).free < _FULL_BYTES:  # then the log is likely empty
        return "the disk is full: free some space, or set XDG_CACHE_HOME to another place"
    return f"{last_line(log)} (log: {log})"
