"""Who cannot stream asks for the events, one answer at a time, and misses nothing."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from dormparty_sse.dev.server import Server
from tests.conftest import NewPerson
from tests.support.calls import join_both, part
from tests.support.person import Person, same_person
from tests.support.poller import PATH, Poller, following, pending
from tests.support.problems import read_problem
from tests.support.replay import assert_got_everything_once, busy, catch_up, replayable
from tests.support.stack import Stack
from tests.support.waiting import eventually

AT_ONCE_S = 2  # of the 25 that a poll may wait
HASTY_S = 0.3


@pytest.fixture(scope="module")
async def hasty(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A service where a poll does not wait long."""
    env = {"POLL_WAIT_S": str(HASTY_S), "HEARTBEAT_INTERVAL_S": "0.1"}
    async with stack.another_service(tmp_path_factory.mktemp("hasty"), **env) as service:
        yield service


@pytest.fixture
async def poller(new_person: NewPerson) -> Poller:
    return Poller(await new_person())


@pytest.fixture
async def pollers(new_person: NewPerson) -> AsyncIterator[tuple[Poller, Poller]]:
    """Two who poll all the time."""
    a, b = Poller(await new_person()), Poller(await new_person())
    async with following(a, b):
        yield a, b


async def meet_by_polling(a: Person, b: Person) -> str:
    """Both press Start and join; the session, once both are in the call and have been told so."""
    for someone in (a, b):
        await someone.post("enqueue")
    for someone in (a, b):
        await someone.event("new-match")
    return str((await join_both(a, b))["sessionId"])


async def test_the_first_answer_comes_at_once_with_a_snapshot(poller: Poller) -> None:
    async with asyncio.timeout(AT_ONCE_S):
        (connected,) = await poller.poll()
    assert (connected["type"], connected["state"], connected["resync"]) == ("connected", "IDLE", False)
    assert poller.last_event_id == connected["id"]


async def test_nobody_may_keep_the_answer(stack: Stack, poller: Poller) -> None:
    headers = poller.someone.headers
    async with stack.http.get(stack.url + PATH, params={"poll": "1"}, headers=headers) as answer:
        assert answer.content_type == "application/json"
        assert answer.headers["Cache-Control"] == "no-store"


async def test_a_poll_waits_and_is_answered_as_soon_as_something_happens(
    stack: Stack, poller: Poller
) -> None:
    await poller.poll()
    async with pending(stack, poller) as poll:
        await poller.someone.post("enqueue")
        async with asyncio.timeout(AT_ONCE_S):
            (queued,) = await poll
    assert (queued["type"], queued["seq"], queued["id"]) == ("queued", 1, poller.last_event_id)
    await poller.someone.post("end")
    (idle,) = replayable(await poller.poll())
    assert (idle["type"], idle["seq"]) == ("idle", 2)


async def test_when_nothing_happens_the_answer_is_empty_after_the_wait(hasty: Server, poller: Poller) -> None:
    await poller.poll()
    before = poller.last_event_id
    poller.someone.base_url = hasty.url
    started = time.monotonic()
    assert await poller.poll() == []
    assert HASTY_S <= time.monotonic() - started < HASTY_S + AT_ONCE_S
    assert poller.last_event_id == before


async def test_a_whole_match_is_told_by_polling_alone(stack: Stack, pollers: tuple[Poller, Poller]) -> None:
    a, b = (poller.someone for poller in pollers)
    session = await meet_by_polling(a, b)
    await a.post("skip", sessionId=session)
    assert (await b.event("force-disconnect"))["reason"] == "partner-skipped"
    await part(a, b)
    for someone in (a, b):
        await someone.event("requeued")
    again = await a.event("new-match")  # once the two are no longer kept apart
    await a.post("end", sessionId=again["sessionId"])
    await a.event("idle")
    await b.event("requeued")
    await b.post("end")
    await b.event("idle")
    for someone in (a, b):
        await catch_up(stack, someone)
        await assert_got_everything_once(stack, someone, someone.events)
        assert [event["type"] for event in someone.events].count("connected") == 1


async def test_an_id_that_the_log_does_not_know_means_resync_and_polling_goes_on_from_there(
    poller: Poller,
) -> None:
    await busy(poller.someone, 2)
    poller.last_event_id = "1-1"
    (connected,) = await poller.poll()
    assert (connected["type"], connected["resync"], connected["seq"]) == ("connected", True, 4)
    await busy(poller.someone, 1)
    steps = [event["seq"] for event in await poller.poll()]
    assert steps == [5, 6]


async def test_a_replayed_match_has_a_fresh_token_while_it_runs_and_none_afterwards(
    poller: Poller, new_person: NewPerson
) -> None:
    a, b = poller.someone, await new_person()
    start = (await poller.ask())["lastEventId"]
    for someone in (a, b):
        await someone.post("enqueue")
    await b.becomes("CONNECTING")
    match = replayable((await poller.ask(start))["events"])[-1]
    assert match["type"] == "new-match"

    async def newer() -> bool:  # tokens differ once a second has passed
        replayed = replayable((await poller.ask(start))["events"])[-1]
        assert {**replayed, "token": ""} == {**match, "token": ""}
        return bool(replayed["token"] != match["token"])

    await eventually(newer, what="a new token")
    for someone in (a, b):
        await someone.post("end")
    past = replayable((await poller.ask(start))["events"])[1]
    assert (past["type"], past["id"]) == ("past-match", match["id"])
    assert "token" not in past
    await a.post("end")


async def test_a_poll_takes_over_from_a_stream(poller: Poller) -> None:
    async with same_person(poller.someone) as tab:
        await tab.listen()
        await poller.poll()
        await tab.event("superseded")


async def test_a_stream_takes_over_from_a_poll_which_says_so(stack: Stack, poller: Poller) -> None:
    await poller.poll()
    async with pending(stack, poller) as poll, same_person(poller.someone) as tab:
        await tab.listen()
        async with asyncio.timeout(AT_ONCE_S):
            (last,) = await poll
        assert last["type"] == "superseded"
        assert "id" not in last
        await tab.post("enqueue")
        await tab.event("queued")
        await tab.post("end")


async def test_a_poll_takes_over_from_a_poll(stack: Stack, poller: Poller) -> None:
    await poller.poll()
    newer = Poller(poller.someone)
    newer.last_event_id = poller.last_event_id
    async with pending(stack, poller) as older, pending(stack, newer):
        (last,) = await older
        assert last["type"] == "superseded"


async def test_who_breaks_off_its_poll_in_a_call_and_does_not_come_back_frees_the_partner(
    stack: Stack, new_person: NewPerson
) -> None:
    dies, partner = Poller(await new_person()), await new_person()
    await partner.listen()
    async with following(dies):
        session = await meet_by_polling(partner, dies.someone)
    async with pending(stack, dies):
        pass
    away = await partner.event("partner-reconnecting")
    assert away["sessionId"] == session
    forced = await partner.event("force-disconnect")
    assert (forced["reason"], forced["initiatedBy"]) == ("connection-lost", dies.someone.user_id)
    await part(partner)
    await partner.post("end")


async def test_between_two_polls_nobody_is_away(hasty: Server, new_person: NewPerson) -> None:
    polls, partner = Poller(await new_person()), await new_person()
    await partner.listen()
    polls.someone.base_url = hasty.url
    async with following(polls, pause_s=0.4):  # longer than a closed stream is given before it counts
        await meet_by_polling(partner, polls.someone)
        answers = polls.answers

        async def asked_again() -> bool:
            return polls.answers > answers + 3

        await eventually(asked_again, what="polls without news")
        assert replayable(partner.events)[-1]["type"] == "call-started"
        await partner.post("end")
        await part(partner, polls.someone)
        await polls.someone.post("end")


async def test_who_polls_and_leaves_the_room_frees_the_partner_at_once(
    new_person: NewPerson,
) -> None:
    leaves, partner = Poller(await new_person()), await new_person()
    await partner.listen()
    async with following(leaves):
        await meet_by_polling(partner, leaves.someone)
        await leaves.someone.leave_room()
        forced = await partner.event("force-disconnect", timeout_s=2)
        assert (forced["reason"], forced["initiatedBy"]) == ("partner-left", leaves.someone.user_id)
        await part(partner)
        await partner.post("end")


@pytest.mark.parametrize("query", [{"poll": "2"}, {"poll": ""}, {"poll": "true"}, {"poll": "01"}])
async def test_what_is_no_way_to_ask_is_refused(
    query: dict[str, str], stack: Stack, new_person: NewPerson
) -> None:
    someone = await new_person()
    async with stack.http.get(stack.url + PATH, params=query, headers=someone.headers) as answer:
        problem = await read_problem(answer, 422, "invalid_request")
    assert problem["errors"][0]["field"] == "poll"


async def test_no_poll_for_another_users_id(stack: Stack, poller: Poller, new_person: NewPerson) -> None:
    query = {"poll": "1", "userId": (await new_person()).user_id}
    async with stack.http.get(stack.url + PATH, params=query, headers=poller.someone.headers) as answer:
        await read_problem(answer, 403, "user_mismatch")


@pytest.mark.parametrize("query", [{}, {"poll": "1"}])
async def test_a_head_request_takes_nothing_over(
    query: dict[str, str], stack: Stack, new_person: NewPerson
) -> None:
    someone = await new_person()
    await someone.listen()
    async with stack.http.head(stack.url + PATH, params=query, headers=someone.headers) as answer:
        assert answer.status == 405
    await busy(someone, 1)
    await someone.event("idle")
    assert "superseded" not in [event["type"] for event in someone.events]
