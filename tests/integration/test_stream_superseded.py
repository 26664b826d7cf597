"""One stream per user: the newest, wherever it was opened."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from tests.conftest import NewPerson
from tests.support.person import Person, same_person
from tests.support.stack import Stack
from tests.support.waiting import eventually


async def is_superseded(someone: Person) -> None:
    """Waits until the stream has ended, with `superseded` as its last event."""
    await someone.event("superseded")

    async def ended() -> bool:
        return not someone.listening

    await eventually(ended, what="the end of the stream")
    assert someone.events[-1]["type"] == "superseded"
    assert "id" not in someone.events[-1]


async def is_live(someone: Person) -> None:
    """The stream is open and brings what happens."""
    await someone.post("enqueue")
    await someone.event("queued")
    await someone.post("end")
    await someone.event("idle")
    assert someone.listening


async def test_a_newer_tab_takes_over(new_person: NewPerson) -> None:
    someone = await new_person()
    await someone.listen()
    async with same_person(someone) as tab:
        await tab.listen()
        await is_superseded(someone)
        await is_live(tab)
        await someone.listen(someone.last_event_id)
        await is_superseded(tab)
        await is_live(someone)


async def test_a_superseded_tab_is_asked_to_stay_away(stack: Stack, new_person: NewPerson) -> None:
    someone = await new_person()
    url = stack.url + "/api/matching/events"
    async with stack.http.get(url, headers=someone.headers) as answer:
        await someone.listen()
        text = (await answer.read()).decode()  # to its end
    *_, farewell, rest = text.split("\n\n")
    assert rest == ""
    assert '"type":"superseded"' in farewell
    assert int(farewell.partition("retry: ")[2].partition("\n")[0]) >= 60_000


async def test_a_newer_stream_takes_over_from_another_process(
    stack: Stack, new_person: NewPerson, directory: Path
) -> None:
    someone = await new_person()
    await someone.listen()
    async with stack.another_service(directory) as service, same_person(someone, service.url) as tab:
        await tab.listen()
        await is_superseded(someone)
        await is_live(tab)
        await someone.listen()
        await is_superseded(tab)
        await is_live(someone)


async def test_of_many_opened_at_once_exactly_one_stays(
    stack: Stack, new_person: NewPerson, directory: Path
) -> None:
    someone = await new_person()
    async with stack.another_service(directory) as service, AsyncExitStack() as open_tabs:
        tabs = [
            await open_tabs.enter_async_context(same_person(someone, url))
            for url in (stack.url, service.url)
            for _ in range(10)
        ]
        for _ in range(3):
            for tab in tabs:
                tab.events.clear()
            await asyncio.gather(*(tab.listen() for tab in tabs))

            async def one_is_left() -> bool:
                return sum(tab.listening for tab in tabs) == 1

            await eventually(one_is_left, what="one stream")
            (left,) = (tab for tab in tabs if tab.listening)
            for tab in tabs:
                assert (tab.events[-1]["type"] == "superseded") == (tab is not left)
            await someone.post("enqueue")
            await someone.post("end")

            async def told() -> bool:
                return bool(left.events[-1]["type"] == "idle")  # noqa: B023  # awaited in this very round

            await eventually(told, what="the news")
            assert left.listening


async def test_a_stream_whose_process_was_cut_off_from_redis_still_learns_that_it_is_superseded(
    stack: Stack, new_person: NewPerson, directory: Path
) -> None:
    someone = await new_person()
    await someone.listen()
    ours = await stack.redis.client_list(_type="pubsub")
    async with stack.another_service(directory) as service, same_person(someone, service.url) as tab:
        await tab.listen()
        await someone.listen()
        await is_superseded(tab)
        for client in ours:
            await stack.redis.client_kill_filter(_id=client["id"])
        await tab.listen()  # told to all while the first process does not hear it
        await is_superseded(someone)
        await is_live(tab)
