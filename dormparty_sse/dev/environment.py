"""What a development environment consists of: its directory, ports, secrets, and the service's settings."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from dormparty_sse.dev.generated_secrets import load_or_create
from dormparty_sse.dev.livekit_server import LiveKitKey, LiveKitPorts
from dormparty_sse.dev.network import LOOPBACK, require_free
from dormparty_sse.dev.places import ROOT
from dormparty_sse.domain.errors import SettingsError

_HIGHEST_PORT = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One development environment. Several can run at once, with a directory and ports for each."""

    directory: Path  #: DEV_DIR (.dev): data, logs, secrets.
    port: int  #: PORT (8080): of the service.
    redis_port: int  #: REDIS_PORT (6380): not Redis's own 6379, where another one may run.
    livekit: LiveKitPorts  #: LIVEKIT_PORT (7880) and LIVEKIT_UDP_PORT (7882).
    secrets: Mapping[str, str]  #: By the name of their setting.

    @classmethod
    def load(cls) -> Self:
        """From this process's environment. Raises SettingsError, DevError, OSError."""
        directory = ROOT / (os.environ.get("DEV_DIR") or ".dev")
        (directory / "log").mkdir(parents=True, exist_ok=True)
        return cls(
            directory=directory,
            port=_port("PORT", 8080),
            redis_port=_port("REDIS_PORT", 6380),
            livekit=LiveKitPorts(api=_port("LIVEKIT_PORT", 7880), media=_port("LIVEKIT_UDP_PORT", 7882)),
            secrets=load_or_create(directory / "secrets.json"),
        )

    @property
    def url(self) -> str:
        """The page."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def livekit_key(self) -> LiveKitKey:
        """Signs tokens and webhooks."""
        return LiveKitKey(key=self.secrets["LIVEKIT_API_KEY"], secret=self.secrets["LIVEKIT_API_SECRET"])

    @property
    def webhook_url(self) -> str:
        """Where LiveKit tells the service what happens in its rooms."""
        return f"{self.url}/api/livekit/webhooks"

    def settings(self) -> dict[str, str]:
        """The service's settings, as environment variables: the user's own, but for the parts of this."""
        # Who develops does not wait for streams to go elsewhere.
        defaults = {"LOG_FORMAT": "console", "STREAM_DRAIN_S": "0.5", **self.secrets}
        ours = {
            "HOST": LOOPBACK,
            "PORT": str(self.port),
            "REDIS_URL": f"redis://{LOOPBACK}:{self.redis_port}/0",
            "LIVEKIT_URL": f"ws://{LOOPBACK}:{self.livekit.api}",
            "LIVEKIT_API_KEY": self.livekit_key.key,
            "LIVEKIT_API_SECRET": self.livekit_key.secret,
            "LIVEKIT_WEBHOOK_KEY": "",
            "LIVEKIT_WEBHOOK_SECRET": "",
        }
        return {**defaults, **os.environ, **ours}

    def require_free_ports(self) -> None:
        """Raise DevError for the first port that is taken, naming its setting."""
        require_free(self.port, "PORT")
        require_free(self.redis_port, "REDIS_PORT")
        require_free(self.livekit.api, "LIVEKIT_PORT")
        require_free(self.livekit.media, "LIVEKIT_UDP_PORT", socket.SOCK_DGRAM)


def _port(setting: str, default: int) -> int:
    value = os.environ.get(setting) or str(default)
    if not value.isdecimal() or not 1 <= int(value) <= _HIGHEST_PORT:
        raise SettingsError(f"{setting} is wrong: {value!r} is not a port from 1 to {_HIGHEST_PORT}")
    return int(value)
