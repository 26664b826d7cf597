"""A child process that serves: started until it is ready, stopped for certain."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from dormparty_sse.dev.commands import last_line
from dormparty_sse.dev.errors import DevError
from dormparty_sse.dev.parent_death import dying_with_parent

_POLL_INTERVAL_S = 0.02


class Server:
    """One server process and its children. `async with` starts it, waits until it is ready, and stops it."""

    def __init__(
        self,
        *,
        name: str,
        url: str,
        command: Sequence[str | Path],
        ready: Callable[[], Awaitable[bool]],
        log: Path | None,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        ready_within_s: float = 15,
        stop_within_s: float = 3,
        dies_by: signal.Signals = signal.SIGKILL,
    ) -> None:
        self.name = name  #: As messages call it.
        self.url = url  #: Where clients connect to.
        self.log = log  #: Its output; None: to this process's own.
        self._command = command
        self._ready = ready
        self._cwd = cwd
        self._env = env  #: Added to this process's environment.
        self._ready_within_s = ready_within_s
        self._stop_within_s = stop_within_s  #: From SIGTERM to SIGKILL.
        self._dies_by = dies_by  #: The signal it gets when this process is killed.
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        return self._running().pid

    async def start(self) -> None:
        """Start it and wait until it is ready. Raises DevError with the reason if it is not in time."""
        output = self.log.open("ab") if self.log else None
        try:
            # A session of its own: Ctrl-C in the terminal reaches only this process, which stops
            # the servers in order, and what a server started can be found by its group.
            self._process = await asyncio.create_subprocess_exec(
                *dying_with_parent(self._command, self._dies_by),
                cwd=self._cwd,
                env={**os.environ, **(self._env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                start_new_session=True,
            )
        finally:
            if output:
                output.close()
        try:
            await self._until_ready()
        except BaseException:
            await self.kill()
            raise

    async def terminate(self) -> None:
        """Ask it to stop, and kill it if it takes too long. Does nothing if it has stopped."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.terminate()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), self._stop_within_s)
        await self.kill()

    async def kill(self) -> None:
        """End it and all it started at once, with SIGKILL. Does nothing if it has stopped."""
        if self._process is None:
            return
        with suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        self._process = None

    async def restart(self) -> None:
        """Stop it if it runs, and start it again on the same ports with the same data."""
        await self.terminate()
        await self.start()

    async def exit(self) -> str:
        """Wait until it ends by itself; how it ended, in words."""
        status = await self._running().wait()
        return (
            f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        )

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.terminate()

    async def _until_ready(self) -> None:
        process = self._running()
        deadline = asyncio.get_running_loop().time() + self._ready_within_s
        while not await self._ready():
            if process.returncode is not None:
                raise DevError(f"{self.name} did not start: {self._last_words()}")
            if asyncio.get_running_loop().time() > deadline:
                raise DevError(
                    f"{self.name} is not ready after {self._ready_within_s:g} s: {self._last_words()}"
                )
            await asyncio.sleep(_POLL_INTERVAL_S)

    def _last_words(self) -> str:
        return f"{last_line(self.log) or 'it says nothing'} (log: {self.log})" if self.log else "see above"

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise DevError(f"{self.name} does not run")
        return self._process
