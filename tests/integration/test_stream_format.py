"""The stream as it is on the wire: headers, fields, what comes from time to time; and a foreign client."""

import json
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import aiohttp
import httpx
import httpx_sse

from tests.conftest import NewPerson
from tests.support.person import Person
from tests.support.problems import read_problem
from tests.support.stack import Stack

PATHS = ("/api/matching/events", "/api/sse")


async def fields(answer: aiohttp.ClientResponse) -> list[tuple[str, str]]:
    """The fields of the next event, in order."""
    found: list[tuple[str, str]] = []
    while line := (await answer.content.readline()).decode().rstrip("\r\n"):
        name, _, value = line.partition(": ")
        found.append((name, value))
    return found


async def test_the_headers_keep_proxies_from_holding_events_back(stack: Stack, new_person: NewPerson) -> None:
    someone = await new_person()
    for path in PATHS:
        async with stack.http.get(stack.url + path, headers=someone.headers) as answer:
            assert answer.status == 200
            assert answer.content_type == "text/event-stream"
            assert answer.headers["Cache-Control"] == "no-cache, no-transform"
            assert answer.headers["X-Accel-Buffering"] == "no"
            assert "Content-Encoding" not in answer.headers
            assert "Content-Length" not in answer.headers


async def test_connected_comes_first_with_a_snapshot_and_the_time_to_come_back_after(
    stack: Stack, new_person: NewPerson
) -> None:
    someone = await new_person()
    await someone.post("enqueue")
    for path in PATHS:
        async with stack.http.get(stack.url + path, headers=someone.headers) as answer:
            first = dict(await fields(answer))
        connected = json.loads(first["data"])
        assert connected["type"] == "connected"
        assert connected["resync"] is False
        assert (connected["state"], connected["seq"]) == ("WAITING", 1)
        assert (connected["position"], connected["queueLength"]) == (1, 1)
        assert connected.keys() >= {"match", "estimatedWaitSeconds", "timestamp"}
        assert 500 <= int(first["retry"]) <= 1500
        assert first["id"]
    await someone.post("end")


async def test_the_time_to_come_back_is_not_the_same_for_all(stack: Stack, new_person: NewPerson) -> None:
    someone = await new_person()
    times = set()
    for _ in range(10):
        async with stack.http.get(stack.url + PATHS[0], headers=someone.headers) as answer:
            times.add(dict(await fields(answer))["retry"])
    assert len(times) > 1


async def test_events_have_no_name_and_an_id_only_where_one_can_resume(
    stack: Stack, new_person: NewPerson
) -> None:
    someone = await new_person()
    async with stack.http.get(stack.url + PATHS[0], headers=someone.headers) as answer:
        await someone.post("enqueue")
        await someone.post("end")
        seen: dict[str, list[str]] = {}
        while "idle" not in seen:
            names = [name for name, _ in event] if (event := await fields(answer)) else []
            if "data" in names:
                seen.setdefault(json.loads(dict(event)["data"])["type"], names)
    assert seen["queued"] == seen["idle"] == ["id", "data"]
    assert seen["connected"] == ["id", "retry", "data"]
    assert seen.get("queue-update", ["data"]) == ["data"]


async def test_who_resumes_gets_a_connected_without_an_id(new_person: NewPerson) -> None:
    someone = await new_person()
    await someone.listen()
    await someone.post("enqueue")
    queued = await someone.event("queued")
    connected = await someone.listen(queued["id"])
    assert "id" not in connected  # it would send the client back to before what is replayed
    assert connected["resync"] is False
    await someone.post("end")


async def test_no_stream_for_another_users_id(stack: Stack, new_person: NewPerson) -> None:
    someone, other = await new_person(), await new_person()
    await someone.listen()
    for path in PATHS:
        query = {"userId": other.user_id}
        async with stack.http.get(stack.url + path, params=query, headers=someone.headers) as answer:
            await read_problem(answer, 403, "user_mismatch")
    assert someone.listening


async def heartbeats(someone: Person, count: int) -> None:
    for _ in range(count):
        await someone.event("heartbeat")


async def test_a_heartbeat_comes_from_time_to_time(
    stack: Stack, new_person: NewPerson, directory: Path
) -> None:
    someone = await new_person()
    async with stack.another_service(directory, HEARTBEAT_INTERVAL_S="0.2") as service:
        someone.base_url = service.url
        await someone.listen()
        await heartbeats(someone, 3)
        beats = [event for event in someone.events if event["type"] == "heartbeat"]
        assert all("id" not in beat for beat in beats)
        assert all(a["timestamp"] < b["timestamp"] for a, b in pairwise(beats))
        await someone.hang_up()


async def test_a_queue_update_comes_only_when_something_changes(
    stack: Stack, new_person: NewPerson, directory: Path
) -> None:
    someone = await new_person()
    env = {"HEARTBEAT_INTERVAL_S": "0.3", "QUEUE_UPDATE_INTERVAL_S": "0.05"}
    async with stack.another_service(directory, **env) as service:
        someone.base_url = service.url
        await someone.listen()
        await someone.post("enqueue")
        update = await someone.event("queue-update")
        assert (update["position"], update["queueLength"], update["holdReason"]) == (1, 1, "alone-in-queue")
        assert "id" not in update
        await heartbeats(someone, 3)  # some twenty looks at the queue, in which nothing changes
        assert [event["type"] for event in someone.events].count("queue-update") == 1

        # what the snapshot of `connected` says needs no saying again
        connected = await someone.listen(someone.last_event_id)
        assert connected["holdReason"] == "alone-in-queue"
        await heartbeats(someone, 3)
        assert [event["type"] for event in someone.events].count("queue-update") == 1

        # out and in again is a new wait, with its own reason why nobody is found
        await someone.post("end")
        await someone.event("idle")
        await someone.post("enqueue")
        await someone.event("queued")
        again = await someone.event("queue-update")
        assert again["holdReason"] == "alone-in-queue"

        await someone.post("end")
        await someone.hang_up()


async def next_replayable(events: AsyncIterator[httpx_sse.ServerSentEvent]) -> httpx_sse.ServerSentEvent:
    """The next event that is not of the moment."""
    async for event in events:
        if event.json()["type"] not in ("queue-update", "heartbeat"):
            return event
    raise AssertionError("the stream ended")


async def test_a_client_of_other_peoples_making_gets_the_same(stack: Stack, new_person: NewPerson) -> None:
    someone = await new_person()
    async with httpx.AsyncClient(headers=someone.headers, timeout=10) as client:
        async with httpx_sse.aconnect_sse(client, "GET", stack.url + PATHS[0]) as source:
            events = source.aiter_sse()
            first = await anext(events)
            assert first.event == "message"  # what EventSource.onmessage gets
            assert first.json()["type"] == "connected"
            assert first.retry
            await someone.post("enqueue")
            queued = await next_replayable(events)
            assert (queued.json()["type"], queued.json()["seq"]) == ("queued", 1)
            last_id = queued.id
        await someone.post("end")
        resume = httpx_sse.aconnect_sse(
            client, "GET", stack.url + PATHS[0], headers={"Last-Event-ID": last_id}
        )
        async with resume as source:
            events = source.aiter_sse()
            assert (await anext(events)).json()["resync"] is False
            idle = await next_replayable(events)
            assert (idle.json()["type"], idle.json()["seq"]) == ("idle", 2)
