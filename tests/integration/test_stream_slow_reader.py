"""A client that does not read is cut off, and loses nothing, since it can resume."""

import asyncio
import json
import socket
from pathlib import Path

from tests.conftest import NewPerson
from tests.support.metrics import scrape
from tests.support.non_reader import fill, open_without_reading
from tests.support.person import Event
from tests.support.poller import generation
from tests.support.replay import busy, replayable
from tests.support.stack import Stack
from tests.support.waiting import eventually

BUFFER = 8
ENV = {
    "STREAM_BUFFER": str(BUFFER),
    "LOG_LENGTH": "10000",  # so that all it misses can be replayed
    "STREAM_SEND_TIMEOUT_S": "100",  # so that it is the buffer that ends it
}


def read_all(client: socket.socket) -> bytes:
    """What has come, up to the end of the connection."""
    client.settimeout(10)
    received = b""
    try:
        while chunk := client.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def whole_events(received: bytes) -> list[Event]:
    """The events that came whole: what a client would have taken for received."""
    _, _, stream = received.partition(b"\r\n\r\n")
    text = b""
    while stream:
        size, _, stream = stream.partition(b"\r\n")
        length = int(size or b"0", 16)
        if length == 0 or len(stream) < length:
            break
        text, stream = text + stream[:length], stream[length + 2 :]
    events = []
    for block in text.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "data" in fields:
            events.append(json.loads(fields["data"]) | ({"id": fields["id"]} if "id" in fields else {}))
    return events


async def test_who_does_not_read_is_cut_off_and_resumes_without_loss(
    stack: Stack, new_person: NewPerson, directory: Path
) -> None:
    someone = await new_person()
    async with stack.another_service(directory, **ENV) as service:
        assert service.log
        log = service.log
        someone.base_url = service.url

        async def opened() -> bool:
            return "streamGeneration" in await stack.user(someone.pool, someone.user_id)

        def cut_off() -> bool:
            return '"cause":"slow"' in log.read_text()

        with open_without_reading(someone) as client:
            await eventually(opened, what="the stream")
            async with asyncio.timeout(60):
                while not cut_off():
                    await busy(someone, 20)
            got = whole_events(await asyncio.to_thread(read_all, client))

        got = replayable(got)
        total = (await someone.get("status"))["seq"]
        assert 0 < len(got) < total - BUFFER
        await someone.listen(got[-1]["id"])
        await someone.event("idle", seq=total)
        got += replayable(someone.events)
        assert [event["seq"] for event in got] == list(range(1, total + 1))
        assert not any(event.get("resync") for event in someone.events)
        assert "request_crashed" not in log.read_text()
        await someone.hang_up()


async def test_a_reader_that_is_stuck_does_not_hold_up_the_others(
    stack: Stack, new_person: NewPerson, directory: Path
) -> None:
    stuck, quick = await new_person(), await new_person()
    async with stack.another_service(directory, **ENV) as service:
        stuck.base_url = quick.base_url = service.url
        with open_without_reading(stuck):
            await quick.listen()
            for n in range(40):
                await stuck.post("enqueue")
                await stuck.post("end")
                await quick.post("enqueue")
                await quick.event("queued", seq=2 * n + 1)
                await quick.post("end")
                await quick.event("idle", seq=2 * n + 2)
        await quick.hang_up()


async def test_who_takes_nothing_for_too_long_is_cut_off_and_who_reads_is_not(
    stack: Stack, new_person: NewPerson, directory: Path
) -> None:
    stuck, reads = await new_person(), await new_person()
    env = {"STREAM_SEND_TIMEOUT_S": "0.5", "STREAM_PING_INTERVAL_S": "0.2", "STREAM_BUFFER": "10000"}
    async with stack.another_service(directory, **env) as service:
        stuck.base_url = reads.base_url = service.url
        await reads.listen()
        with open_without_reading(stuck) as client:

            async def opened() -> bool:
                return await generation(stack, stuck) != ""

            await eventually(opened, what="a stream")
            await fill(stack, stuck)

            async def cut_off() -> bool:
                counts = await scrape(stack.http, service.url)
                return counts.value("dormparty_streams_closed_total", cause="stuck") == 1

            await eventually(cut_off, what="an end")
            assert b'"connected"' in await asyncio.to_thread(read_all, client)
        await busy(reads, 1)
        await reads.event("idle")
        await reads.hang_up()
