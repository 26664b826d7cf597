"""Puts what pages load of others (LiveKit's client, the viewer of the API) where they load it from."""

import shutil
import tempfile
from pathlib import Path

from dormparty_sse.dev.node import node
from dormparty_sse.dev.places import ROOT, from_checkout

_MODULES = ROOT / "node_modules"
_VENDOR = ROOT / "dormparty_sse/web/static/vendor"
#: What pages load of the installed packages.
_BUNDLES = (
    _MODULES / "livekit-client/dist/livekit-client.esm.mjs",
    _MODULES / "swagger-ui-dist/swagger-ui.css",
    _MODULES / "swagger-ui-dist/swagger-ui-bundle.js",
)
WEB_CLIENT = tuple(_VENDOR / bundle.name for bundle in _BUNDLES)


def install_web_client() -> None:
    """Install the locked npm packages and copy what pages load. Raises DevError if that fails."""
    from_checkout("package-lock.json")
    with node() as found:
        print("Installing the web client's packages", flush=True)
        found.install(ROOT)
    _VENDOR.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_VENDOR) as folder:
        for bundle in _BUNDLES:
            copy = shutil.copyfile(bundle, Path(folder) / bundle.name)
            copy.replace(_VENDOR / bundle.name)
