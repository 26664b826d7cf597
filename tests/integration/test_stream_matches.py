"""A match on the stream: a fresh token while it runs, none afterwards, and none that is stored."""

from tests.conftest import NewPerson
from tests.support.logs import TOKEN_START
from tests.support.stack import Stack
from tests.support.waiting import eventually


async def test_a_match_that_still_runs_is_replayed_with_a_fresh_token(new_person: NewPerson) -> None:
    a, b = await new_person(), await new_person()
    connected = await a.listen()
    for someone in (a, b):
        await someone.post("enqueue")
    match = await a.event("new-match")

    async def newer() -> bool:  # tokens differ once a second has passed
        again = await a.listen(connected["id"])
        assert again["match"]["sessionId"] == match["sessionId"]
        replayed = await a.event("new-match")
        assert replayed["id"] == match["id"]
        assert {**replayed, "token": ""} == {**match, "token": ""}
        return bool(replayed["token"] != match["token"])

    await eventually(newer, what="a new token")
    await b.join((await b.get("check-match"))["match"])
    await a.join(next(event for event in reversed(a.events) if event["type"] == "new-match"))
    await a.becomes("IN_CALL")
    await a.post("end")
    await b.post("end")


async def test_a_match_that_is_over_is_replayed_as_past_and_without_a_token(new_person: NewPerson) -> None:
    a, b = await new_person(), await new_person()
    connected = await a.listen()
    for someone in (a, b):
        await someone.post("enqueue")
    match = await a.event("new-match")
    await a.hang_up()
    for someone in (a, b):
        await someone.post("end")
    await a.post("end")

    again = await a.listen(connected["id"])
    assert again["match"] is None
    past = await a.event("past-match")
    assert (past["id"], past["sessionId"], past["seq"]) == (match["id"], match["sessionId"], match["seq"])
    assert "token" not in past
    assert "livekitUrl" not in past


async def test_no_token_is_ever_stored(stack: Stack, pool: str, new_person: NewPerson) -> None:
    a, b = await new_person(), await new_person()
    for someone in (a, b):
        await someone.listen()
        await someone.post("enqueue")
    match = await a.event("new-match")
    assert match["token"].startswith(TOKEN_START)
    stored = await stack.contents(pool)
    assert match["sessionId"].encode() in b"".join(stored.values())  # so that there is something to find
    async for key in stack.redis.scan_iter("*"):
        assert TOKEN_START not in str(key)
        dump = await stack.redis.dump(key)
        assert dump is None or TOKEN_START.encode() not in dump, key
    for someone in (a, b):
        await someone.post("end")
