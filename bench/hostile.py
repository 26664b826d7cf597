"""Whether an attack of slow connections costs others anything: `python -m bench.hostile`.

How long honest people's requests take with and without 2,000 connections that keep the service waiting.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from bench import program
from bench.client import Client
from bench.figures import Figure, figure
from bench.load import until_sound
from bench.report import HEADER, row
from bench.stack import running_stack
from tests.support.slow_clients import SlowClients, slow_clients

_SLOW = 2_000
_STREAMS = 200  # of those
_HONEST = 60
_SECONDS = 20
_PAUSE_S = 1  # between two requests of one
_GOAL_MS = 100
_HOW = """\
Of the slow ones 200 open a stream each and read nothing; of the others half never finish a head, half never a
body: a byte every 2 s, from 20 addresses. Who is cut off comes back at once. Honest people ask for
their status, join the queue and leave it, once a second each, and wait for nobody's answer but their own.
Everything shares the cores."""


def main() -> int:
    """Measures and prints; returns the exit status."""
    return program.run("bench.hostile", __doc__, _measure, _HOW)


async def _measure() -> None:
    jar = aiohttp.DummyCookieJar()
    with tempfile.TemporaryDirectory(prefix="dormparty-bench-") as directory:
        async with (
            running_stack(Path(directory)) as stack,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), cookie_jar=jar) as http,
        ):
            client = Client(http, stack.service.url)
            honest = [(await client.new_session())["token"] for _ in range(_HONEST)]
            streams = [(await client.new_session())["token"] for _ in range(_STREAMS)]
            print(f"\n{HEADER}")
            await _ask(client, honest, "requests of honest people", None)
            async with slow_clients(stack.service.url, _SLOW, streams, comes_back=True) as slow:
                await _ask(client, honest, f"the same, with {_SLOW:,} slow connections", slow)
            await until_sound(client)


async def _ask(client: Client, honest: Sequence[str], name: str, slow: SlowClients | None) -> Figure:
    samples: list[float] = []
    least_open: list[int] = []
    end = time.perf_counter() + _SECONDS

    async def ask(number: int, token: str) -> None:
        await asyncio.sleep(number * _PAUSE_S / len(honest))
        while time.perf_counter() < end:
            for action in ("status", "enqueue", "leave"):
                begin = time.perf_counter()
                await (client.status(token) if action == "status" else client.post(token, action))
                samples.append(time.perf_counter() - begin)
                if slow:
                    least_open.append(slow.open)
                await asyncio.sleep(_PAUSE_S)

    await asyncio.gather(*(ask(number, token) for number, token in enumerate(honest)))
    print(row(measured := figure(name, samples, _GOAL_MS)), flush=True)
    if slow:
        print(f"    open: {min(least_open):,} at least; cut off: {slow.cut_off:,}; refused: {slow.refused:,}")
    return measured


if __name__ == "__main__":
    sys.exit(main())
