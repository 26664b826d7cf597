"""A LiveKit of one's own: base configuration in config/livekit.yaml, all its traffic on 127.0.0.1."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dormparty_sse.dev.network import LOOPBACK, answers_200
from dormparty_sse.dev.places import from_checkout
from dormparty_sse.dev.programs import livekit_program
from dormparty_sse.dev.server import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveKitPorts:
    """The ports of one LiveKit, none shared with another."""

    api: int  #: TCP: signalling and the room service.
    media: int  #: UDP: all audio and video.


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveKitKey:
    """An API key; also signs the webhooks."""

    key: str
    secret: str  #: At least 32 characters.


def livekit_server(
    directory: Path,
    ports: LiveKitPorts,
    key: LiveKitKey,
    webhook_urls: Sequence[str],
    *,
    log: Path | None = None,
) -> Server:
    """A LiveKit on 127.0.0.1 that calls the webhook URLs; its configuration and log are in `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / "livekit.yaml"
    config.write_text(from_checkout("config/livekit.yaml").read_text() + _webhook(key.key, webhook_urls))

    async def ready() -> bool:
        return await answers_200(ports.api, "/")

    options = {"config": config, "bind": LOOPBACK, "port": ports.api, "rtc.udp_port.start": ports.media}
    return Server(
        name="LiveKit",
        url=f"ws://{LOOPBACK}:{ports.api}",
        command=[livekit_program(), *(f"--{name}={value}" for name, value in options.items())],
        ready=ready,
        log=log or directory / "livekit.log",
        cwd=directory,
        # By environment, since everyone on the machine can read the arguments.
        env={"LIVEKIT_KEYS": f"{key.key}: {key.secret}"},
        # It waits for the last participant to leave, however long that takes.
        stop_within_s=1,
    )


def _webhook(key: str, urls: Sequence[str]) -> str:
    """The part of the configuration that has no command-line option. JSON is YAML."""
    return "\nwebhook: " + json.dumps({"api_key": key, "urls": list(urls)}) + "\n" if urls else ""
