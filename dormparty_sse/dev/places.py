"""Where the development environment reads and keeps its files."""

import os
from pathlib import Path

from dormparty_sse.dev.errors import DevError

ROOT = Path(__file__).resolve().parents[2]


def from_checkout(relative: str) -> Path:
    """A file of the repository. Raises DevError where only the package is installed."""
    path = ROOT / relative
    if not path.exists():
        raise DevError(f"{path} is missing: run this from a checkout of the repository")
    return path


def cache_dir() -> Path:
    """The user's cache of programs, shared by all checkouts; XDG_CACHE_HOME moves it."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    directory = Path(base) / "dormparty-sse"
    directory.mkdir(parents=True, exist_ok=True)
    return directory
