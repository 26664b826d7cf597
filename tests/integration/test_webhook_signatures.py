"""Only our LiveKit may say what happens in our rooms."""

import json
from dataclasses import replace

import jwt
import pytest

from tests.conftest import NewPerson
from tests.support.calls import pair
from tests.support.person import Event, Person
from tests.support.stack import KEY, Stack
from tests.support.webhooks import deliver, livekit_room, post_raw, signature

OTHER_BODY = b'{"event": "room_finished"}'
WRONG_SECRET = replace(KEY, secret="not-the-secret-that-the-service-knows-of-livekit")
WRONG_KEY = replace(KEY, key="another-key")


def joined(room_name: str, user_id: str) -> bytes:
    participant = {"identity": user_id, "sid": "PA_x", "joinedAt": "1"}
    return json.dumps(
        {"event": "participant_joined", "room": {"name": room_name}, "participant": participant}
    ).encode()


def told_of(person: Person) -> Event:
    """The match that the person was told of."""
    return next(event for event in person.events if event["type"] == "new-match")


async def refused(stack: Stack, person: Person, body: bytes, authorization: str | None) -> None:
    """Fails unless this webhook is refused with 401, and changes nothing."""
    match = told_of(person)["sessionId"]
    before = await stack.redis.hgetall(f"{{{person.pool}}}:match:{match}")
    assert before
    status, problem = await post_raw(stack, body, authorization)
    assert (status, problem["code"]) == (401, "unauthenticated")
    assert await stack.redis.hgetall(f"{{{person.pool}}}:match:{match}") == before
    assert await person.state() == "CONNECTING"


@pytest.fixture
async def a(new_person: NewPerson) -> Person:
    """Somebody who is CONNECTING."""
    someone = await new_person()
    await pair(someone, await new_person())
    return someone


async def test_webhook_needs_a_signature_by_our_key_over_this_very_body(stack: Stack, a: Person) -> None:
    body = joined(told_of(a)["roomName"], a.user_id)
    unsigned = jwt.encode({"iss": KEY.key, "exp": 2**31}, None, algorithm="none")
    for authorization in (
        None,
        "",
        "Bearer",
        "not a token",
        a.token,
        unsigned,
        signature(body, WRONG_SECRET),
        signature(body, WRONG_KEY),
        signature(body)[:-4],
        signature(OTHER_BODY),
        signature(body + b" "),
    ):
        await refused(stack, a, body, authorization)


async def test_join_token_signs_no_webhook(stack: Stack, a: Person) -> None:
    match = await a.match()
    await refused(stack, a, joined(match["roomName"], a.user_id), match["token"])


async def test_changed_body_is_refused(stack: Stack, a: Person) -> None:
    body = joined(told_of(a)["roomName"], a.user_id)
    for changed in (body.replace(b"joined", b"left"), body + b"\n", b"", b"\xff", b"[]"):
        await refused(stack, a, changed, signature(body))


async def test_signature_counts_for_minutes_not_for_ever(stack: Stack, a: Person) -> None:
    body = joined(told_of(a)["roomName"], a.user_id)
    await refused(stack, a, body, signature(body, expires_in_s=-90))  # beyond the leeway of 60 s
    eternal = jwt.encode({"iss": KEY.key, "sha256": "x"}, KEY.secret, algorithm="HS256")
    await refused(stack, a, body, eternal)


async def test_body_that_is_signed_and_no_webhook_is_refused(stack: Stack, a: Person) -> None:
    for body in (b"", b"null", b"not json", b"\xff\xfe", b'{"event": 1}', b"[" * 100_000):
        await refused(stack, a, body, signature(body))


async def test_body_beyond_any_webhook_s_size_is_refused(stack: Stack, a: Person) -> None:
    body = b" " * 300_000
    status, problem = await post_raw(stack, body, signature(body))
    assert (status, problem["code"]) == (413, "payload_too_large")
    assert await a.state() == "CONNECTING"


async def test_replayed_webhook_is_accepted_and_does_nothing(stack: Stack, a: Person) -> None:
    room = await livekit_room(stack, a, await a.match())
    joined_once = room.joined(a.user_id)
    await deliver(stack, joined_once)
    before = await stack.user(a.pool, a.user_id)
    await deliver(stack, joined_once, joined_once)
    assert await stack.user(a.pool, a.user_id) == before
