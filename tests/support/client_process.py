"""A client in a process of its own, that can be killed: stream, button and room, as a browser has them.

`python -m tests.support.client_process URL` reads its session from standard input, opens the stream, presses
Start, joins the room of its match if `--joins`, and prints its state whenever that changes.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from tests.support.person import Person
from tests.support.stack import ROOT

_LOOK_EVERY_S = 0.01


class ClientProcess:
    """Make one with `client_process(...)`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def is_in(self, state: str) -> None:
        """Waits until the client has been told that it is in this state."""
        assert self._process.stdout
        async with asyncio.timeout(60):  # a whole Python starts, on a busy machine
            while (line := await self._process.stdout.readline()) != f"{state}\n".encode():
                assert line, "the client has ended"

    def kill(self) -> None:
        """SIGKILL: its kernel closes what it had open, and nobody says goodbye."""
        self._process.kill()


@asynccontextmanager
async def client_process(someone: Person, *, joins: bool) -> AsyncIterator[ClientProcess]:
    """The client of this person, who needs no other; killed at the latest when the context ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.support.client_process", someone.base_url, *(("--joins",) if joins else ())),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        assert process.stdin
        process.stdin.write(f"{someone.user_id} {someone.pool} {someone.token}\n".encode())
        yield ClientProcess(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _live(url: str, *, joins: bool) -> None:
    user_id, pool, token = sys.stdin.readline().split()
    async with aiohttp.ClientSession() as http:
        someone = Person(http, url, {"userId": user_id, "pool": pool, "token": token})
        await someone.listen()
        await someone.post("enqueue")
        followed = 0
        while True:
            for event in someone.events[followed:]:
                followed += 1
                if event["type"] == "new-match" and joins:
                    await someone.join(event)
                if "state" in event:
                    print(event["state"], flush=True)
            await asyncio.sleep(_LOOK_EVERY_S)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--joins", action="store_true")
    arguments = parser.parse_args()
    asyncio.run(_live(arguments.url, joins=arguments.joins))
