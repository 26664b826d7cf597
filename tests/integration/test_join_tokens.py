"""What a join token opens: one place in one room, for one person, for a short time."""

import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
from livekit import api, rtc

from tests.conftest import NewPerson
from tests.support.calls import Match, all_become, meet, pair, part
from tests.support.livekit import room_is_gone
from tests.support.stack import KEY, Stack


def claims_of(match: Match) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(
        match["token"], KEY.secret, algorithms=["HS256"], issuer=KEY.key, options={"require": ["exp"]}
    )
    return claims


async def refused(url: str, token: str) -> None:
    """Fails unless LiveKit refuses this token."""
    room = rtc.Room()
    with pytest.raises(rtc.ConnectError):
        await room.connect(url, token)
    assert not room.isconnected()


async def test_token_is_for_one_room_and_one_person_and_gives_no_power(new_person: NewPerson) -> None:
    a, b = await new_person(), await new_person()
    match = await pair(a, b)
    claims = claims_of(match)
    assert claims["sub"] == a.user_id
    grants = claims["video"]
    assert (grants["room"], grants["roomJoin"]) == (match["roomName"], True)
    granted = {name for name, grant in grants.items() if grant}
    assert granted == {"room", "roomJoin", "canPublish", "canSubscribe", "canPublishData"}
    assert 0 < claims["exp"] - time.time() <= 120


async def test_token_is_made_anew_each_time_it_is_sent(new_person: NewPerson) -> None:
    a, b = await new_person(), await new_person()
    first = claims_of(await pair(a, b))
    resumed_from = a.last_event_id
    assert resumed_from

    async def later() -> dict[str, Any]:
        while (claims := claims_of(await a.match()))["exp"] == first["exp"]:
            pass
        return claims

    assert (await later())["exp"] > first["exp"]
    connected = await a.listen(resumed_from)
    assert claims_of(connected["match"])["exp"] > first["exp"]


async def test_token_gives_no_power_over_livekit(new_person: NewPerson) -> None:
    a, b = await new_person(), await new_person()
    match = await pair(a, b)
    url = match["livekitUrl"].replace("ws", "http", 1)
    calls = {
        "CreateRoom": {"name": "a-room-of-my-own"},
        "DeleteRoom": {"room": match["roomName"]},
        "ListRooms": {},
        "ListParticipants": {"room": match["roomName"]},
        "RemoveParticipant": {"room": match["roomName"], "identity": b.user_id},
    }
    headers = {"Authorization": f"Bearer {match['token']}"}
    for call, body in calls.items():
        async with a.http.post(
            f"{url}/twirp/livekit.RoomService/{call}", json=body, headers=headers
        ) as answer:
            assert answer.status in (401, 403), call
    assert [await a.state(), await b.state()] == ["CONNECTING", "CONNECTING"]


async def test_third_party_is_refused_even_with_a_valid_token(stack: Stack, new_person: NewPerson) -> None:
    a, b = await new_person(), await new_person()
    match = await meet(a, b)
    grants = api.VideoGrants(room_join=True, room=match["roomName"])
    token = api.AccessToken(KEY.key, KEY.secret).with_identity("somebody-else").with_grants(grants)
    await refused(match["livekitUrl"], token.with_ttl(timedelta(minutes=1)).to_jwt())

    assert [await a.state(), await b.state()] == ["IN_CALL", "IN_CALL"]
    report = await stack.audit(a.pool)
    assert report["ok"], report


async def test_third_party_in_the_room_is_nobody_s_partner(new_person: NewPerson) -> None:
    a, b = await new_person(), await new_person()
    match = await pair(a, b)
    grants = api.VideoGrants(room_join=True, room=match["roomName"])
    token = api.AccessToken(KEY.key, KEY.secret).with_identity("somebody-else").with_grants(grants)
    intruder = rtc.Room()
    await intruder.connect(match["livekitUrl"], token.to_jwt())
    await a.join(match)
    await intruder.disconnect()
    assert [await a.state(), await b.state()] == ["CONNECTING", "CONNECTING"]
    await b.join(await b.match())
    await all_become("IN_CALL", a, b)


async def test_token_is_useless_after_the_call(stack: Stack, new_person: NewPerson) -> None:
    a, b = await new_person(), await new_person()
    match = await meet(a, b)
    fresh = await a.match()
    await a.post("end")
    await part(a, b)
    await room_is_gone(stack, match["roomName"])
    await refused(fresh["livekitUrl"], fresh["token"])
    await a.becomes("IDLE")
    await b.becomes("WAITING")
