"""The load generator for streams, bench/streamload: built once, and told what to do."""

import asyncio
import hashlib
import os
import resource
import signal
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from bench.errors import BenchError
from bench.stream_peers import Peer
from dormparty_sse.dev.commands import run
from dormparty_sse.dev.go import go
from dormparty_sse.dev.parent_death import dying_with_parent
from dormparty_sse.dev.places import cache_dir

_SOURCES = Path(__file__).parent / "streamload"
_MOST_FILES = 20_000  # of one process
_OTHER_FILES = 200  # beside the streams


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Streams were opened."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What has become of events. Times are in ms, from sending to arrival unless a name says otherwise."""

    events: int
    lost: int
    again: int  #: Arrivals of what had arrived before.
    ended: int  #: Streams that the server has ended or refused.
    rate: float  #: Arrivals a second.
    p50: float
    p99: float
    planned_p99: float  #: From the time an event was due.
    late_p99: float  #: From the time an event was due to its sending.
    back_s: float  #: From the cut until all streams were open again; 0 without a cut.


class Generator:
    """The running program."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def open(self, streams: int) -> Opened:
        """Opens so many streams more; returns once all are open. Raises BenchError."""
        answer = await self._ask(f"open {streams}")
        return Opened(seconds=answer["seconds"])

    async def publish(self, rate: float, seconds: float, cut_at: float = 0) -> Published:
        """Publishes; with `cut_at`, all streams are cut after so many seconds. Raises BenchError."""
        answer = await self._ask(f"publish {rate:g} {seconds:g} {cut_at:g}")
        if answer["misrouted"] or answer["refused"]:
            raise BenchError(f"events were misrouted, or refused by Redis: {answer}")
        return Published(
            events=answer["events"],
            lost=answer["lost"],
            again=answer["again"],
            ended=answer["ended"],
            rate=answer["rate"],
            p50=answer["p50"],
            p99=answer["p99"],
            planned_p99=answer["plannedP99"],
            late_p99=answer["lateP99"],
            back_s=answer["backSeconds"],
        )

    async def _ask(self, command: str) -> dict[str, Any]:
        if not self._process.stdin or not self._process.stdout:
            raise BenchError("the load generator has no pipes")
        self._process.stdin.write(f"{command}\n".encode())
        line = await self._process.stdout.readline()
        if not line:
            raise BenchError("the load generator has ended")
        answer: dict[str, Any] = orjson.loads(line)
        return answer


@asynccontextmanager
async def generator(directory: Path, peer: Peer, redis_url: str) -> AsyncIterator[Generator]:
    """A generator for the streams of this server. Raises DevError if it cannot be built."""
    people = directory / "people"
    people.write_text("".join(f"{user} {token}\n" for user, token in peer.people))
    process = await asyncio.create_subprocess_exec(
        *dying_with_parent([_program()], signal.SIGKILL),
        f"-streams={urlsplit(peer.server.url).netloc}", f"-path={peer.path}", f"-greets={peer.greets}",
        f"-redis={urlsplit(redis_url).netloc}", f"-people={people}", "--", *peer.publish,
        stdin=PIPE, stdout=PIPE,
    )  # fmt: skip
    try:
        yield Generator(process)
    finally:
        process.kill()
        await process.wait()


def allow_files(streams: int) -> None:
    """Lets this process, and those it starts, open as many files as the streams need. Raises BenchError."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if streams + _OTHER_FILES > limit:
        raise BenchError(f"{streams:,} streams need more open files than a process may have here ({limit:,})")
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def _program() -> Path:
    files = sorted(path for path in _SOURCES.iterdir() if path.suffix in {".go", ".mod"})
    content = hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:12]
    program = cache_dir() / f"streamload-{content}"
    if not program.exists():
        with (
            go() as (go_program, go_env),
            tempfile.TemporaryDirectory(dir=cache_dir(), ignore_cleanup_errors=True) as folder,
        ):
            run(
                [go_program, "build", "-trimpath", "-o", f"{folder}/streamload", "."],
                what="building the load generator",
                log=cache_dir() / "streamload-build.log",
                cwd=_SOURCES,
                env={**os.environ, **go_env, "CGO_ENABLED": "0", "GOTMPDIR": folder, "GOTOOLCHAIN": "local"},
            )
            (Path(folder) / "streamload").replace(program)
    return program
