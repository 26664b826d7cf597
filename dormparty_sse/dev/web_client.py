"""Puts the LiveKit client library for browsers where the page loads it from."""

import shutil
import tempfile
from pathlib import Path

from dormparty_sse.dev.node import node
from dormparty_sse.dev.places import ROOT, from_checkout

_BUNDLE = ROOT / "node_modules/livekit-client/dist/livekit-client.esm.mjs"
WEB_CLIENT = ROOT / "dormparty_sse/web/static/vendor/livekit-client.esm.mjs"


def install_web_client() -> None:
    """Install the locked npm packages and copy the browser's bundle. Raises DevError if that fails."""
    from_checkout("package-lock.json")
    with node() as found:
        print("Installing the web client's packages", flush=True)
        found.install(ROOT)
    WEB_CLIENT.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WEB_CLIENT.parent) as folder:
        copy = shutil.copyfile(_BUNDLE, Path(folder) / _BUNDLE.name)
        copy.replace(WEB_CLIENT)
