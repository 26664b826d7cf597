"""Builds livekit-server from its published source, with Go from PATH or from a wheel."""

import os
import tempfile
from pathlib import Path

from dormparty_sse.dev.commands import run
from dormparty_sse.dev.go import go
from dormparty_sse.dev.places import cache_dir

LIVEKIT_VERSION = "1.13.5"
_SOURCE = f"github.com/livekit/livekit-server/cmd/server@v{LIVEKIT_VERSION}"


def build_livekit(program: Path) -> None:
    """Build it into `program`, whole or not at all. Raises DevError if that fails."""
    with go() as (go_program, go_env):
        print(f"Building livekit-server {LIVEKIT_VERSION}: about 2 minutes, once for this user", flush=True)
        with tempfile.TemporaryDirectory(dir=cache_dir(), ignore_cleanup_errors=True) as folder:
            run(
                [go_program, "install", "-v", "-trimpath", "-ldflags=-s -w", _SOURCE],
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
