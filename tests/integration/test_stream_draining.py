"""A process that stops sends its streams elsewhere, serves them until they go, and loses nothing."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from dormparty_sse.dev.server import Server
from tests.conftest import NewPerson
from tests.support.crowd import crowd
from tests.support.logs import log_lines
from tests.support.non_reader import fill, open_without_reading
from tests.support.person import Event, Person
from tests.support.poller import PATH, Poller, generation
from tests.support.problems import read_problem
from tests.support.stack import Stack
from tests.support.waiting import eventually

DRAIN_S = 5  #: By default.
STOPPED_WITHIN_S = 10


async def is_over(someone: Person) -> None:
    """Waits for the end of the stream."""

    async def ended() -> bool:
        return not someone.listening

    await eventually(ended, what="the end of the stream")


@asynccontextmanager
async def stopping(service: Server) -> AsyncIterator[None]:
    """The service is asked to stop; when the context ends it does, in time and well."""
    os.kill(service.pid, signal.SIGTERM)
    async with asyncio.timeout(STOPPED_WITHIN_S):
        yield
        assert await service.exit() == "ended with status 0"


async def is_stopping(service: Server) -> None:
    """Waits until no new connection is taken."""

    async def refused() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", int(service.url.rpartition(":")[2]))
        except ConnectionError:  # refused, or reset in the moment of closing
            return True
        writer.close()
        return False

    await eventually(refused, what="a closed door")


async def open_connection(service: Server, someone: Person) -> aiohttp.ClientSession:
    """A client that keeps one connection to the service open between its requests."""
    session = aiohttp.ClientSession(
        service.url, connector=aiohttp.TCPConnector(limit=1), headers=someone.headers
    )
    async with session.get("/healthz") as answer:
        assert answer.status == 200
        await answer.read()
    return session


@pytest.mark.parametrize("processes", ["1", "2"])
async def test_a_stopping_service_sends_its_streams_elsewhere(
    processes: str, stack: Stack, new_person: NewPerson, directory: Path
) -> None:
    people = [await new_person() for _ in range(6)]
    async with stack.another_service(directory, WEB_CONCURRENCY=processes) as service:
        for someone in people:
            someone.base_url = service.url
            await someone.listen()
        await people[0].post("enqueue")
        await people[0].event("queued")

        async with stopping(service):
            pass
        for someone in people:
            draining = await someone.event("draining")
            assert "id" not in draining
            await is_over(someone)
            assert someone.events[-1] == draining

    for someone in people:
        someone.base_url = stack.url
        connected = await someone.listen(someone.last_event_id)
        assert connected["resync"] is False
    await people[0].post("end")
    assert (await people[0].event("idle"))["seq"] == 2


async def test_a_process_that_has_just_begun_is_stopped_as_well(stack: Stack, directory: Path) -> None:
    slowly = directory / "modules"
    slowly.mkdir(parents=True)
    (slowly / "sitecustomize.py").write_text(
        "import os, time\nos.register_at_fork(after_in_child=lambda: time.sleep(2.5))\n"
    )
    async with stack.another_service(directory, PYTHONPATH=str(slowly)) as service:
        os.kill(service.pid, signal.SIGHUP)  # a new process begins, and is slow about it
        async with stopping(service):
            pass


class Watched:
    """A stream, line by line, and when its lines came."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer
        self.lines: list[str] = []
        self.draining_at = self.ended_at = 0.0
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for raw in self._answer.content:
            self.lines.append(raw.decode().rstrip("\n"))
            if '"draining"' in self.lines[-1]:
                self.draining_at = time.monotonic()
        self.ended_at = time.monotonic()

    def events(self) -> list[Event]:
        """All that came."""
        return [json.loads(line.removeprefix("data: ")) for line in self.lines if line.startswith("data: ")]

    def comes_back_in_ms(self) -> int:
        """What `draining` said."""
        (draining,) = (event for event in self.events() if event["type"] == "draining")
        return int(draining["reconnectInMs"])

    def retries(self) -> list[int]:
        """After how many ms it was told to come back, each time."""
        return [int(line.removeprefix("retry: ")) for line in self.lines if line.startswith("retry: ")]


async def test_each_stream_is_told_at_once_when_to_go_and_served_until_then(
    stack: Stack, directory: Path
) -> None:
    async with (
        stack.another_service(directory, STREAM_DRAIN_S=str(DRAIN_S)) as service,
        crowd(stack, 50, url=service.url) as people,
    ):
        streams = []
        for someone in people:
            answer = await stack.http.get(service.url + PATH, headers=someone.headers)
            streams.append(Watched(answer))
        async with stopping(service):

            async def all_told() -> bool:
                return all(stream.draining_at for stream in streams)

            await eventually(all_told, what="draining")
            last = max(range(len(people)), key=lambda number: streams[number].comes_back_in_ms())
            people[last].base_url = stack.url  # another process, which takes new connections
            await people[last].post("enqueue")
            await people[last].post("end")
            await asyncio.gather(*(stream.task for stream in streams))

        for stream in streams:
            _, when_told, at_the_end = stream.retries()
            assert when_told == stream.comes_back_in_ms()
            assert 100 <= at_the_end <= 500
            stayed_s = stream.ended_at - stream.draining_at
            assert when_told / 1000 - 0.2 < stayed_s
        kinds = [event["type"] for event in streams[last].events()]
        assert kinds == ["connected", "draining", "queued", "idle"]
        quarters = {stream.comes_back_in_ms() * 4 // (DRAIN_S * 1000) for stream in streams}
        assert quarters >= {0, 1, 2, 3}
        assert max(stream.comes_back_in_ms() for stream in streams) <= DRAIN_S * 1000


async def test_while_it_stops_actions_are_served_and_new_streams_and_polls_are_not(
    stack: Stack, new_person: NewPerson, directory: Path
) -> None:
    someone, *others = [await new_person() for _ in range(11)]
    async with stack.another_service(directory, STREAM_DRAIN_S="3") as service:
        for other in others:  # with ten of them the last hardly goes at once
            other.base_url = service.url
            await other.listen()
        acts, streams, polls = [await open_connection(service, someone) for _ in range(3)]
        try:
            async with stopping(service):
                await is_stopping(service)
                async with acts.post("/api/matching/enqueue", json={}) as answer:
                    assert answer.status == 200
                    assert answer.headers["Connection"] == "close"
                with pytest.raises(aiohttp.ClientConnectionError):  # after which an EventSource comes back
                    await streams.get(PATH)
                async with polls.get(PATH, params={"poll": "1"}) as answer:
                    await read_problem(answer, 503, "unavailable")
                    assert int(answer.headers["Retry-After"]) >= 1
                    assert answer.headers["Connection"] == "close"
        finally:
            for client in (acts, streams, polls):
                await client.close()
    assert await someone.state() == "WAITING"
    await someone.post("end")


async def test_who_reads_nothing_does_not_hold_it_up_and_a_poll_is_answered(
    stack: Stack, new_person: NewPerson, directory: Path
) -> None:
    deaf, polls = await new_person(), Poller(await new_person())
    await polls.poll()
    env = {"STREAM_SEND_TIMEOUT_S": "100", "STREAM_BUFFER": "10000"}
    async with stack.another_service(directory, **env) as service:
        deaf.base_url = polls.someone.base_url = service.url
        with open_without_reading(deaf):

            async def opened() -> bool:
                return await generation(stack, deaf) != ""

            await eventually(opened, what="a stream")
            await fill(stack, deaf)
            before = await generation(stack, polls.someone)
            poll = asyncio.create_task(polls.poll())

            async def begun() -> bool:
                return await generation(stack, polls.someone) != before

            await eventually(begun, what="a poll")
            async with stopping(service):
                (draining,) = await poll
            assert draining["type"] == "draining"
            assert draining["reconnectInMs"] <= 500
        assert service.log
        ends = [line for line in log_lines(service.log.read_text()) if line["event"] == "stream_closed"]
        assert {"user_id": deaf.user_id, "cause": "draining"}.items() <= ends[-1].items()
    polls.someone.base_url = stack.url
    await polls.someone.post("enqueue")
    assert (await polls.poll())[0]["type"] == "queued"  # perhaps with a queue-update
    await polls.someone.post("end")


async def test_a_service_that_is_told_to_begin_anew_goes_on_serving(
    stack: Stack, pool: str, new_person: NewPerson, directory: Path
) -> None:
    someone = await new_person()
    async with stack.another_service(directory) as service:
        someone.base_url = service.url
        await someone.listen()
        await someone.post("enqueue")
        await someone.event("queued")
        os.kill(service.pid, signal.SIGHUP)
        await someone.event("draining")
        await is_over(someone)
        async with aiohttp.ClientSession() as http:  # its connections lead to the new process
            again = Person(
                http, service.url, {"userId": someone.user_id, "pool": pool, "token": someone.token}
            )
            connected = await again.listen(someone.last_event_id)
            assert (connected["resync"], connected["state"]) == (False, "WAITING")
            await again.post("end")
            assert (await again.event("idle"))["seq"] == 2
            assert again.listening
            await again.hang_up()
