"""Webhooks that make no sense, and records that somebody has edited: logged once, harmless."""

import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from dormparty_sse.dev.livekit_server import LiveKitKey
from dormparty_sse.domain.names import new_id, room_name
from dormparty_sse.store.keys import pool_key
from tests.support.calls import all_become, meet, pair, part
from tests.support.crowd import crowd
from tests.support.logs import log_lines
from tests.support.replay import told_of_every_step
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually
from tests.support.webhooks import LiveKitRoom, deliver, livekit_room, post_raw, signature


@pytest.fixture(scope="module")
async def own_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with running_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


def lines_about(stack: Stack, text: str) -> list[dict[str, Any]]:
    """What the log says of it, requests apart."""
    lines = log_lines(stack.service_log)
    return [line for line in lines if text in json.dumps(line) and line["event"] != "request"]


async def test_a_room_that_is_unknown_is_logged_once(own_stack: Stack) -> None:
    session = new_id()
    room = LiveKitRoom(name=room_name("nowhere", session), sid="RM_x")
    await deliver(own_stack, room.joined("somebody"))
    [line] = lines_about(own_stack, session)
    assert (line["event"], line["event_name"]) == ("webhook_without_effect", "participant_joined")


@pytest.mark.parametrize("name", ["theirs", "dormparty", "dormparty.x", "dormparty.MAIN.xxx", "ö" * 300])
async def test_a_room_of_others_is_logged_once(own_stack: Stack, name: str) -> None:
    event = LiveKitRoom(name=name + secrets.token_hex(8), sid="RM_x").joined("somebody")
    before = len(lines_about(own_stack, "webhook_ignored"))
    await deliver(own_stack, event)
    assert len(lines_about(own_stack, "webhook_ignored")) == before + 1


async def test_an_event_of_an_unknown_kind_is_logged_once(own_stack: Stack) -> None:
    session = new_id()
    room = LiveKitRoom(name=room_name("nowhere", session), sid="RM_x")
    await deliver(own_stack, room.event("participant_levitated"))
    [line] = lines_about(own_stack, session)
    assert (line["event"], line["event_name"]) == ("webhook_unknown", "participant_levitated")


async def test_another_projects_webhook_is_refused_and_changes_nothing(own_stack: Stack) -> None:
    async with crowd(own_stack, 2) as (a, b):
        match = await meet(a, b)
        room = await livekit_room(own_stack, a, match)
        before = await own_stack.contents(a.pool)
        body = json.dumps(room.left(a.user_id)).encode()
        another = LiveKitKey(key="another", secret="the-secret-of-another-project-entirely")
        status, problem = await post_raw(own_stack, body, signature(body, another))
        assert (status, problem["code"]) == (401, "unauthenticated")
        assert await own_stack.contents(a.pool) == before
        await a.post("end")
        await part(a, b)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"participant_joined"',
        b'{"event": 7}',
        b'{"event": "participant_joined", "room": "x"}',
        b'{"event": "participant_joined", "room": {"name": 5}}',
        b'{"event": "participant_left", "participant": {"identity": {}}}',
        b"\xff\xfe",
        b"{" * 10_000,
        b'{"event": "' + b"x" * 100_000 + b'"}',
    ],
)
async def test_an_absurd_body_is_refused_or_ignored(own_stack: Stack, body: bytes) -> None:
    before = [str(key) async for key in own_stack.redis.scan_iter("*:match:*")]
    status, _ = await post_raw(own_stack, body, signature(body))
    assert status in {200, 401}
    assert [str(key) async for key in own_stack.redis.scan_iter("*:match:*")] == before
    assert not lines_about(own_stack, "_crashed")


@pytest.mark.parametrize("member", ["", "somebody-else", "x" * 10_000, "a:b\n{main}"])
async def test_a_participant_who_is_none_of_the_two_changes_nothing(own_stack: Stack, member: str) -> None:
    async with crowd(own_stack, 2) as (a, b):
        match = await meet(a, b)
        room = await livekit_room(own_stack, a, match)
        await deliver(own_stack, room.joined(member), room.left(member))
        assert [await a.state(), await b.state()] == ["IN_CALL", "IN_CALL"]
        await a.post("end")
        await part(a, b)


EDITED = [
    ("match", {"user2": ""}, ()),
    ("match", {"phase": "nonsense"}, ()),
    ("match", {}, ("roomName",)),
    ("match", {}, ("user1", "user2", "phase")),
    ("user", {"state": "DANCING"}, ()),
    ("user", {"seq": "many", "since": "long ago"}, ()),
    ("user", {"sessionId": "another"}, ()),
    ("user", {"matchedWith": ""}, ("currentRoom",)),
]


@pytest.mark.parametrize(("kind", "changes", "removed"), EDITED)
async def test_records_edited_by_hand_are_mended_and_nobody_is_stuck(
    own_stack: Stack, kind: str, changes: dict[str, str], removed: tuple[str, ...]
) -> None:
    async with crowd(own_stack, 2) as (a, b):
        match = await pair(a, b)
        room = await livekit_room(own_stack, a, match)
        key = pool_key(a.pool, kind, match["sessionId"] if kind == "match" else a.user_id)
        for name, value in changes.items():
            await own_stack.redis.hset(key, name, value)
        if removed:
            await own_stack.redis.hdel(key, *removed)
        # LiveKit goes on telling, and is answered each time.
        await deliver(own_stack, room.joined(a.user_id), room.joined(b.user_id), room.left(b.user_id))

        for someone in (a, b):

            async def home(someone: Any = someone) -> bool:
                status, answer = await someone.request("POST", "/api/matching/end")
                return bool(status == 200 and answer["state"] == "IDLE")

            await eventually(home, what="a way home")


async def test_a_record_that_makes_no_sense_is_repaired_without_being_asked(directory: Path) -> None:
    async with running_stack(directory) as stack, crowd(stack, 1) as (someone,):
        await someone.listen()
        key = pool_key(someone.pool, "user", someone.user_id)
        await stack.redis.hset(key, "state", "DANCING")
        assert (await someone.request("POST", "/api/matching/enqueue"))[0] == 500

        async def mended() -> bool:
            return (await someone.request("POST", "/api/matching/enqueue"))[0] == 200

        await eventually(mended, what="the record makes sense")
        await all_become("WAITING", someone)
        await someone.post("end")
        await told_of_every_step(someone)
