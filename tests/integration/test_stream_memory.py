"""A thousand clients that read nothing cost a bounded amount of memory, and nobody else anything."""

import json
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from dormparty_sse.dev.server import Server
from dormparty_sse.domain.clock import Clock
from dormparty_sse.domain.models import UserRef
from dormparty_sse.domain.names import new_id
from dormparty_sse.store.keys import pool_key
from dormparty_sse.web.sessions import SessionTokens
from tests.conftest import NewPerson
from tests.support.metrics import scrape
from tests.support.non_reader import open_without_reading
from tests.support.person import Person
from tests.support.poller import Poller
from tests.support.stack import SECRET, Stack
from tests.support.waiting import eventually

CLIENTS = 1000
BUFFER = 8
EVENT = 8_000  # bytes
PER_CLIENT = 3 * BUFFER * EVENT  # what waits for it, its connection, and some
SLACK = 1.15  # what the memory allocator keeps
MOST_EVENTS = 100  # by then each of them must have been cut off
AT_ONCE = 4

pytestmark = pytest.mark.timeout(180)


def children_of(service: Server) -> list[int]:
    path = Path(f"/proc/{service.pid}/task/{service.pid}/children")
    return [int(pid) for pid in path.read_text().split()]


def memory_of(service: Server) -> int:
    """Bytes in memory of the one process that serves."""
    (pid,) = children_of(service)
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]) * 1024


@pytest.fixture
async def service(stack: Stack, directory: Path) -> AsyncIterator[Server]:
    env = {"STREAM_BUFFER": str(BUFFER), "STREAM_SEND_TIMEOUT_S": "100", "LOG_LEVEL": "WARNING"}
    async with stack.another_service(directory, **env) as running:
        yield running


def deaf_people(stack: Stack, service: Server, pool: str) -> list[Person]:
    """Without a word to the service: their sessions are made here."""
    sessions = SessionTokens([SECRET], Clock(), ttl_s=1000)
    people = []
    for _ in range(CLIENTS):
        session = sessions.sign(UserRef(user_id=new_id(), pool=pool), new_id())
        known = {"userId": session.user.user_id, "pool": pool, "token": session.token}
        people.append(Person(stack.http, service.url, known))
    return people


async def open_streams(stack: Stack, service: Server) -> float:
    return (await scrape(stack.http, service.url)).value("dormparty_streams")


async def tell_all(stack: Stack, people: Sequence[Person], number: int) -> None:
    """An event to each: appended to the log and published, as the scripts do."""
    told = {"type": "partner-back", "timestamp": number, "sessionId": "x" * EVENT}
    data = json.dumps(told)
    for first in range(0, len(people), 100):
        some = people[first : first + 100]
        async with stack.redis.pipeline(transaction=False) as pipe:
            for someone in some:
                pipe.xadd(pool_key(someone.pool, "log", someone.user_id), {"data": data}, maxlen=200)
            ids = await pipe.execute()
            for someone, event_id in zip(some, ids, strict=True):
                pipe.publish(pool_key(someone.pool, "events", someone.user_id), f"{event_id} {data}")
            await pipe.execute()


async def cut_off_all(stack: Stack, service: Server, people: Sequence[Person], reads: Person) -> int:
    """All open streams and read nothing while events come, until each is cut off; the most memory in use."""
    with ExitStack() as clients:
        for someone in people:
            clients.enter_context(open_without_reading(someone))

        async def all_open() -> bool:
            return await open_streams(stack, service) == CLIENTS + 1

        await eventually(all_open, 30, "all streams")
        most = 0
        for number in range(MOST_EVENTS):
            await tell_all(stack, people, number)
            if number % AT_ONCE == 0:
                most = max(most, memory_of(service))
                await reads.post("enqueue")
                await reads.event("queued")
                await reads.post("end")
                await reads.event("idle")
                if await open_streams(stack, service) == 1:
                    return most
        raise AssertionError("not all are cut off")


async def test_memory_stays_flat_the_others_get_their_events_and_each_can_resume(
    stack: Stack, service: Server, new_person: NewPerson
) -> None:
    reads = await new_person()
    reads.base_url = service.url
    await reads.listen()
    pool = f"deaf-{secrets.token_hex(4)}"
    people = deaf_people(stack, service, pool)
    empty = memory_of(service)
    warm = max([await cut_off_all(stack, service, people, reads) for _ in range(2)])  # one may miss its peak
    assert warm - empty < CLIENTS * PER_CLIENT
    assert await cut_off_all(stack, service, people, reads) < warm * SLACK

    assert reads.listening
    await reads.hang_up()
    for someone in people[:: CLIENTS // 10]:
        missed = (await Poller(someone).ask("0-0"))["events"]
        assert [event["id"] for event in missed] == await stack.event_ids(someone.pool, someone.user_id)
    cleanup, operator = f"{stack.url}/api/admin/cleanup", {"Authorization": f"Bearer {SECRET}"}
    async with stack.http.post(cleanup, json={"pool": pool}, headers=operator) as answer:
        assert answer.status == 200
