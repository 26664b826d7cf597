"""`dormparty-sse dev`: Redis, LiveKit and the service, started and stopped as one."""

import asyncio
import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

from dormparty_sse import settings
from dormparty_sse.dev.environment import Environment
from dormparty_sse.dev.errors import DevError, from_os_error
from dormparty_sse.dev.livekit_server import livekit_server
from dormparty_sse.dev.network import answers_200
from dormparty_sse.dev.places import ROOT
from dormparty_sse.dev.provision import provision
from dormparty_sse.dev.redis_server import redis_server
from dormparty_sse.dev.server import Server

_NEEDED_BYTES = 16 * 2**20  # a Redis and three logs get along with less for a start


def dev(*, show_logs: bool) -> int:
    """Run until a signal or until a part dies; return the exit status. Raises DevError, SettingsError."""
    os.chdir(ROOT)  # the service's settings may come from config/*.toml
    try:
        provision()
    except OSError as error:
        raise from_os_error(error, "free some space, or set XDG_CACHE_HOME to another place") from None
    try:
        environment = Environment.load()
        with _alone_in(environment.directory):
            return asyncio.run(_run(environment, show_logs=show_logs))
    except OSError as error:
        raise from_os_error(error, "free some space, or set DEV_DIR to another place") from None


async def _run(environment: Environment, *, show_logs: bool) -> int:
    os.environ.update(environment.settings())
    settings.load()  # says what is wrong before anything starts
    environment.require_free_ports()
    signals: list[signal.Signals] = []
    async with AsyncExitStack() as running:  # whatever happens, all that runs stops, the last first
        work = asyncio.create_task(_start_and_watch(environment, running, show_logs=show_logs))
        _cancel_on_signal(work, signals)
        try:
            await work
        except asyncio.CancelledError:
            print("Stopping", flush=True)
    return 128 + signal.SIGINT if signals[0] is signal.SIGINT else 0


def _cancel_on_signal(work: asyncio.Task[None], received: list[signal.Signals]) -> None:
    """A second signal changes nothing: stopping takes seconds at most, and must not be cut short."""

    def receive(signum: signal.Signals) -> None:
        received.append(signum)
        work.cancel()

    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(signum, receive, signum)


async def _start_and_watch(environment: Environment, running: AsyncExitStack, *, show_logs: bool) -> None:
    """Start all parts, and raise DevError as soon as one of them dies."""
    log_dir = environment.directory / "log"
    for log in log_dir.glob("*.log"):
        log.unlink()
    redis = redis_server(environment.directory / "redis", environment.redis_port, log=log_dir / "redis.log")
    livekit = livekit_server(
        environment.directory,
        environment.livekit,
        environment.livekit_key,
        [environment.webhook_url],
        log=log_dir / "livekit.log",
    )
    service = _service(environment, None if show_logs else log_dir / "service.log")
    parts = [redis, livekit, service]
    for part in parts:
        await running.enter_async_context(part)
    print(f"Logs: {log_dir}")
    print(f"Open {environment.url}", flush=True)
    await _first_death(parts)


def _service(environment: Environment, log: Path | None) -> Server:
    async def ready() -> bool:
        return await answers_200(environment.port, "/readyz")

    return Server(
        name="the service",
        url=environment.url,
        command=[sys.executable, "-m", "dormparty_sse", "serve"],
        ready=ready,
        log=log,
        cwd=ROOT,
        stop_within_s=8,  # open streams are closed over a few seconds
        dies_by=signal.SIGTERM,  # the one part with processes of its own to stop
    )


async def _first_death(parts: list[Server]) -> None:
    deaths = {asyncio.create_task(part.exit()): part for part in parts}
    try:
        done, _ = await asyncio.wait(deaths, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for death in deaths:
            death.cancel()
    death = done.pop()
    part = deaths[death]
    raise DevError(f"{part.name} {death.result()}" + (f": see {part.log}" if part.log else ""))


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """Two Redis on one append-only file would ruin it. Also finds out whether there is space to write."""
    with (directory / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DevError(f"another `dev` runs in {directory}: stop it, or set DEV_DIR") from None
        lock.write("0" * _NEEDED_BYTES)
        lock.flush()
        lock.truncate(0)
        yield
