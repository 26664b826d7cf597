"""The clocks of two processes are an hour wrong, one ahead and one behind. Nobody notices."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime

import jwt
import pytest

from dormparty_sse.dev.server import Server
from tests.support.calls import Match, all_become, invited, join_both, pair, part
from tests.support.crowd import crowd
from tests.support.faults import is_ready
from tests.support.logs import log_lines
from tests.support.person import Person, same_person
from tests.support.replay import told_of_every_step
from tests.support.stack import KEY, QUICK, SECRET, Stack
from tests.support.webhooks import deliver, livekit_room, post_raw, signature

HOUR_S = 3600
TOLERANCE_MS = 2000
COOLDOWN_MS = float(QUICK["PAIR_COOLDOWN_S"]) * 1000
CONNECT_TIMEOUT_MS = float(QUICK["CONNECT_TIMEOUT_S"]) * 1000


@dataclass(frozen=True, slots=True)
class Processes:
    """The service processes whose clocks are wrong."""

    ahead: Server
    behind: Server


@pytest.fixture(scope="module")
async def wrong(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Processes]:
    async with AsyncExitStack() as servers:
        started = [
            await servers.enter_async_context(
                stack.another_service(
                    tmp_path_factory.mktemp("wrong"),
                    ahead_s,
                    HEARTBEAT_INTERVAL_S="0.5",
                    PRESENCE_INTERVAL_S="0.5",
                )
            )
            for ahead_s in (HOUR_S, -HOUR_S)
        ]
        yield Processes(*started)


@pytest.fixture(params=["ahead", "behind"])
def process(wrong: Processes, request: pytest.FixtureRequest) -> Server:
    """Each of the two."""
    server: Server = getattr(wrong, request.param)
    return server


@asynccontextmanager
async def two(stack: Stack, a_by: str, b_by: str) -> AsyncIterator[tuple[Person, Person]]:
    """Two people in a new pool, each by way of a process of their own."""
    async with crowd(stack, 1, url=a_by) as (a,), crowd(stack, 1, pool=a.pool, url=b_by) as (b,):
        yield a, b


async def assert_recent(stack: Stack, *times: float) -> None:
    """By Redis's clock, each of these moments, in ms, is this one."""
    now = await stack.now()
    assert [at for at in times if abs(at - now) > TOLERANCE_MS] == [], f"now is {now}"


async def assert_young(stack: Stack, match: Match) -> None:
    """The match and its join token were made a moment ago; the token's life has just begun."""
    claims = jwt.decode(
        match["token"], KEY.secret, algorithms=["HS256"], options={"verify_exp": False, "verify_nbf": False}
    )
    ttl_s = stack.settings.join_token_ttl_s
    await assert_recent(stack, match["createdAt"], claims["nbf"] * 1000, (claims["exp"] - ttl_s) * 1000)


async def test_processes_are_wrong_by_an_hour(stack: Stack, wrong: Processes) -> None:
    """Else this module would prove nothing. HTTP's `Date` is still by the machine's clock."""
    for server, ahead_s in ((wrong.ahead, HOUR_S), (wrong.behind, -HOUR_S)):
        async with stack.http.get(f"{server.url}/healthz") as answer:
            shown = parsedate_to_datetime(answer.headers["Date"]).timestamp()
        assert shown - time.time() == pytest.approx(ahead_s, abs=5)


async def test_process_is_ready(stack: Stack, process: Server) -> None:
    """LiveKit takes the tokens it is called with."""
    await is_ready(replace(stack, url=process.url))


async def test_session_of_one_process_counts_at_all_others(stack: Stack, wrong: Processes) -> None:
    urls = (stack.url, wrong.ahead.url, wrong.behind.url)
    for made_by in urls:
        async with crowd(stack, 1, url=made_by) as (someone,):
            for asked in urls:
                async with same_person(someone, asked) as again:
                    assert await again.state() == "IDLE"


async def test_session_lasts_as_long_as_it_should(stack: Stack, process: Server) -> None:
    ttl_ms = stack.settings.session_ttl_s * 1000
    async with stack.http.post(f"{process.url}/api/session") as answer:
        session = await answer.json()
        max_age = int(answer.cookies["dormparty_session"]["max-age"])
    await assert_recent(stack, session["expiresAt"] - ttl_ms)
    assert max_age * 1000 == pytest.approx(ttl_ms, abs=TOLERANCE_MS)


async def test_session_over_for_seconds_is_refused(stack: Stack, process: Server) -> None:
    async with crowd(stack, 1, url=process.url) as (someone,):
        claims = jwt.decode(someone.token, SECRET, algorithms=["HS256"], options={"verify_signature": False})
        now = int(await stack.now() / 1000)
        for ends, status in ((now - 5, 401), (now + 60, 200)):
            someone.headers["Authorization"] = f"Bearer {jwt.encode({**claims, 'exp': ends}, SECRET)}"
            assert (await someone.request("GET", "/api/matching/status"))[0] == status


@pytest.mark.parametrize("ways", [("ahead", "behind"), ("behind", "ahead"), ("ahead", "ahead")])
async def test_people_of_both_meet_skip_and_end(
    stack: Stack, wrong: Processes, ways: tuple[str, str]
) -> None:
    a_by, b_by = (getattr(wrong, way).url for way in ways)
    async with two(stack, a_by, b_by) as (a, b):
        match = await pair(a, b)
        for someone in (a, b):
            await assert_young(stack, await someone.match())
        await join_both(a, b)
        for someone in (a, b):
            await assert_recent(stack, someone.events[-1]["timestamp"])
        await a.post("skip")
        skipped = await b.event("force-disconnect", sessionId=match["sessionId"])
        await part(a, b)
        for someone in (a, b):
            status = await someone.get("status")
            assert status["state"] == "WAITING"
            await assert_recent(stack, status["waitingSince"], status["now"])
        again = await invited(a, b)  # as soon as the two may meet again, and no sooner
        assert COOLDOWN_MS <= again["createdAt"] - skipped["timestamp"] < COOLDOWN_MS + TOLERANCE_MS
        await join_both(a, b)
        await a.post("end")
        await all_become("IDLE", a)
        await all_become("WAITING", b)
        for someone in (a, b):
            await told_of_every_step(someone)


async def test_moments_and_waits_are_right(stack: Stack, process: Server) -> None:
    async with crowd(stack, 1, url=process.url) as (someone,):
        await someone.listen()
        await someone.post("enqueue")
        since = await stack.now()
        for event_type in ("queued", "heartbeat"):
            event = await someone.event(event_type)
            await assert_recent(stack, event["timestamp"])
        await someone.post("end")
        await someone.event("idle")
        left = next(
            line
            for line in log_lines(process.log.read_text() if process.log else "")
            if line["event"] == "transition"
            and (line["user_id"], line["from_state"]) == (someone.user_id, "WAITING")
        )
        assert left["duration_ms"] == pytest.approx(await stack.now() - since, abs=TOLERANCE_MS)


async def test_nobody_is_timed_out_early_or_late(stack: Stack, wrong: Processes) -> None:
    async with two(stack, wrong.ahead.url, wrong.behind.url) as (a, b):
        match = await pair(a, b)
        for someone in (a, b):
            forced = await someone.event("force-disconnect")
            assert forced["reason"] == "connect-timeout"
            took_ms = forced["timestamp"] - match["createdAt"]
            assert CONNECT_TIMEOUT_MS <= took_ms < CONNECT_TIMEOUT_MS + TOLERANCE_MS


async def test_webhooks_count_by_the_right_time(stack: Stack, process: Server) -> None:
    there = replace(stack, url=process.url)
    async with two(stack, process.url, process.url) as (a, b):
        room = await livekit_room(stack, a, await pair(a, b))
        body = json.dumps(room.joined(a.user_id)).encode()
        status, _ = await post_raw(there, body, signature(body, expires_in_s=-90))
        assert status == 401
        assert await a.state() == "CONNECTING"
        await deliver(there, room.joined(a.user_id), room.joined(b.user_id))
        for someone in (a, b):
            await assert_recent(stack, (await someone.event("call-started"))["timestamp"])
            await someone.post("end")
