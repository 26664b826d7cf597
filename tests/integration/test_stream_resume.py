"""However often a stream is cut, and wherever: every replayable event comes once, in order."""

import asyncio
import random
from typing import Any

import pytest

from tests.conftest import NewPerson
from tests.support.person import same_person
from tests.support.replay import assert_got_everything_once, busy, catch_up, replayable
from tests.support.stack import Stack


async def test_a_stream_cut_at_any_moment_goes_on_without_gap_or_repeat(
    stack: Stack, new_person: NewPerson
) -> None:
    someone = await new_person()
    chance = random.Random(3)  # noqa: S311  # arbitrary moments, no secret
    await someone.listen()
    work = asyncio.create_task(busy(someone, 120))
    cuts = 0
    while not work.done():
        await asyncio.sleep(chance.uniform(0, 0.02))
        await someone.listen(someone.last_event_id)
        cuts += 1
    await work
    await catch_up(stack, someone)
    assert cuts > 10
    assert not any(event.get("resync") for event in someone.events)
    await assert_got_everything_once(stack, someone, someone.events)


async def test_a_match_and_its_end_are_told_once_through_many_cuts(
    stack: Stack, new_person: NewPerson
) -> None:
    a, b = await new_person(), await new_person()
    chance = random.Random(4)  # noqa: S311  # likewise
    for someone in (a, b):
        await someone.listen()

    async def meet_and_part() -> None:
        for _ in range(5):
            await asyncio.gather(a.post("enqueue"), b.post("enqueue"))
            await a.becomes("CONNECTING")
            await asyncio.gather(a.post("end"), b.post("end"))
            for someone in (a, b):
                await someone.post("end")

    work = asyncio.create_task(meet_and_part())
    while not work.done():
        await asyncio.sleep(chance.uniform(0, 0.05))
        await asyncio.gather(*(someone.listen(someone.last_event_id) for someone in (a, b)))
    await work
    for someone in (a, b):
        await catch_up(stack, someone)
        await assert_got_everything_once(stack, someone, someone.events)
        matches = [e for e in someone.events if e["type"] in ("new-match", "past-match")]
        assert len(matches) == len({match["sessionId"] for match in matches}) == 5


async def test_a_client_cut_before_its_first_event_resumes_from_the_id_of_connected(
    stack: Stack, new_person: NewPerson
) -> None:
    someone = await new_person()
    for _ in range(2):  # with an empty log, then with one that has a past
        connected = await someone.listen()
        await someone.hang_up()
        past = len(await stack.event_ids(someone.pool, someone.user_id))
        await busy(someone, 2)
        someone.events.clear()
        resumed = await someone.listen(connected["id"])
        assert resumed["resync"] is False
        await catch_up(stack, someone)
        ids = await stack.event_ids(someone.pool, someone.user_id)
        assert [event["id"] for event in replayable(someone.events)] == ids[past:]
        assert len(ids) == past + 4


@pytest.mark.parametrize("by", ["header", "query"])
async def test_one_resumes_by_header_or_by_query(by: str, stack: Stack, new_person: NewPerson) -> None:
    someone = await new_person()
    connected = await someone.listen()
    await someone.hang_up()
    await busy(someone, 1)
    request: dict[str, Any] = (
        {"headers": someone.headers | {"Last-Event-ID": connected["id"]}}
        if by == "header"
        else {"headers": someone.headers, "params": {"lastEventId": connected["id"]}}
    )
    async with stack.http.get(stack.url + "/api/matching/events", **request) as answer:
        text = ""
        while '"idle"' not in text:
            text += (await answer.content.readline()).decode()
    assert [text.count(f'"type":"{name}"') for name in ("connected", "queued", "idle")] == [1, 1, 1]


async def test_who_was_never_here_gets_the_snapshot_and_no_past(new_person: NewPerson) -> None:
    someone = await new_person()
    await busy(someone, 2)
    await someone.post("enqueue")
    connected = await someone.listen()
    assert (connected["state"], connected["seq"], connected["resync"]) == ("WAITING", 5, False)
    await someone.post("end")
    assert (await someone.event("idle"))["seq"] == 6
    assert [event["seq"] for event in replayable(someone.events)] == [6]


@pytest.mark.parametrize(
    "last_event_id",
    [
        "nonsense",
        "-",
        "$",
        "+",
        "*",
        "0",
        "1-1",
        "-1-1",
        "1-1-1",
        "9" * 14 + "-0",
        "9" * 15 + "-" + "9" * 15,
        "9" * 40 + "-0",
        "\u0661\u0662-\u0663",
        "1-1\n",
        "x" * 3000,
    ],
)
async def test_an_id_that_the_log_does_not_know_means_resync(
    last_event_id: str, stack: Stack, new_person: NewPerson
) -> None:
    someone = await new_person()
    await busy(someone, 1)
    await someone.post("enqueue")
    query = {"lastEventId": last_event_id}
    url = stack.url + "/api/matching/events"
    async with stack.http.get(url, params=query, headers=someone.headers) as answer:
        assert answer.status == 200
        event_id, _, data = [(await answer.content.readline()).decode() for _ in range(3)]
    assert event_id == f"id: {(await stack.event_ids(someone.pool, someone.user_id))[-1]}\n"
    assert '"type":"connected"' in data
    assert '"resync":true' in data
    assert '"state":"WAITING"' in data
    await someone.post("end")


async def test_an_id_that_has_left_the_log_means_resync_and_then_nothing_is_missed(
    stack: Stack, new_person: NewPerson
) -> None:
    someone = await new_person()
    connected = await someone.listen()
    await someone.post("enqueue")
    first = await someone.event("queued")
    await someone.hang_up()
    await someone.post("end")
    while first["id"] in await stack.event_ids(someone.pool, someone.user_id):
        await busy(someone, 20)
    for last_event_id in (first["id"], connected["id"]):
        someone.events.clear()
        again = await someone.listen(last_event_id)
        assert again["resync"] is True
        assert again["id"] == (await stack.event_ids(someone.pool, someone.user_id))[-1]
        await someone.post("enqueue")
        await someone.post("end")
        await catch_up(stack, someone)
        steps = [event["seq"] for event in replayable(someone.events)]
        assert steps == [again["seq"] + 1, again["seq"] + 2]


async def test_more_than_the_buffer_holds_is_replayed_all_the_same(
    stack: Stack, new_person: NewPerson
) -> None:
    someone = await new_person()
    connected = await someone.listen()
    await someone.hang_up()
    await busy(someone, stack.settings.stream_buffer)  # twice as many events
    someone.events.clear()
    await someone.listen(connected["id"])
    await catch_up(stack, someone)
    assert someone.listening
    await assert_got_everything_once(stack, someone, someone.events)


async def test_each_tab_resumes_for_itself(stack: Stack, new_person: NewPerson) -> None:
    someone = await new_person()
    await someone.listen()
    await busy(someone, 1)
    await catch_up(stack, someone)
    async with same_person(someone) as tab:
        await tab.listen(replayable(someone.events)[0]["id"])
        await catch_up(stack, tab)
        assert [event["type"] for event in replayable(tab.events)] == ["idle"]
