"""A participant in a process of its own, that can be killed: python -m tests.support.participant URL.

Reads the join token from standard input, says `joined` once it is in the room, and stays.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from livekit import rtc

from tests.support.calls import Match
from tests.support.stack import ROOT

_JOINED = b"joined\n"


@asynccontextmanager
async def participant_process(match: Match) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that is in the room of a match; killed at the latest when the context ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.support.participant", match["livekitUrl"]),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        assert process.stdin
        assert process.stdout
        process.stdin.write(match["token"].encode() + b"\n")
        async with asyncio.timeout(20):
            assert await process.stdout.readline() == _JOINED
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _stay(url: str, token: str) -> None:
    await rtc.Room().connect(url, token)
    sys.stdout.write(_JOINED.decode())
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_stay(sys.argv[1], sys.stdin.readline().strip()))
