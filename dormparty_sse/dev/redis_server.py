"""A Redis of one's own: base configuration in config/redis.conf, data in a directory of the caller's."""

from pathlib import Path

from dormparty_sse.dev.network import LOOPBACK, ask
from dormparty_sse.dev.places import from_checkout
from dormparty_sse.dev.programs import redis_program
from dormparty_sse.dev.server import Server


def redis_server(directory: Path, port: int, *, log: Path | None = None) -> Server:
    """A Redis on 127.0.0.1 that keeps its append-only file in `directory`; log: `directory`/redis.log."""
    directory.mkdir(parents=True, exist_ok=True)

    async def ready() -> bool:
        return (await ask(port, b"PING\r\n")).startswith(b"+PONG")

    return Server(
        name="Redis",
        url=f"redis://{LOOPBACK}:{port}/0",
        # The data goes to the working directory: no path in an argument that Redis would have to unquote.
        command=[
            redis_program(),
            from_checkout("config/redis.conf"),
            "--port",
            str(port),
            "--bind",
            LOOPBACK,
        ],
        ready=ready,
        log=log or directory / "redis.log",
        cwd=directory,
    )
