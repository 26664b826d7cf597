"""The audit looks twice before it says that something is wrong. No service moves anything here."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from livekit import rtc
from redis.asyncio import Redis

from dormparty_sse.dev.livekit_server import livekit_server
from dormparty_sse.dev.network import LOOPBACK, free_port
from dormparty_sse.dev.server import Server
from dormparty_sse.domain.audit import Kind
from dormparty_sse.domain.clock import Clock
from dormparty_sse.domain.names import new_id, room_name
from dormparty_sse.domain.states import State
from dormparty_sse.livekit.rooms import Rooms
from dormparty_sse.livekit.tokens import TokenMint
from dormparty_sse.services.audit import MOST_FINDINGS, Auditor, Report
from dormparty_sse.store.keys import pool_key
from dormparty_sse.store.store import Store
from tests.integration.store.people import Pair, People
from tests.support.stack import KEY, livekit_ports
from tests.support.stores import connected_store
from tests.support.waiting import eventually

LONG_AGO_MS = 60_000

Subjects = set[tuple[str, Kind, str]]


@pytest.fixture(scope="module")
async def livekit(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A LiveKit that tells nobody of its rooms."""
    directory = tmp_path_factory.mktemp("livekit")
    async with livekit_server(
        directory, livekit_ports(), KEY, [f"http://{LOOPBACK}:{free_port()}"]
    ) as server:
        yield server


@pytest.fixture
def mint() -> TokenMint:
    return TokenMint(api_key=KEY.key, api_secret=KEY.secret, clock=Clock(), ttl_s=60)


@pytest.fixture
async def rooms(livekit: Server, mint: TokenMint) -> AsyncIterator[Rooms]:
    """LiveKit's rooms; what a test has made is deleted after it."""
    rooms = Rooms(livekit.url, mint, timeout_s=3)
    yield rooms
    for room in await rooms.list():
        await rooms.delete(room.name)
    await rooms.aclose()


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[Store]:
    async with connected_store(redis_url) as store:
        yield store


@pytest.fixture
async def people(store: Store, redis_url: str) -> AsyncIterator[People]:
    async with Redis.from_url(redis_url, decode_responses=True) as redis:
        yield People(store, redis)


@pytest.fixture
def auditor(store: Store, rooms: Rooms) -> Auditor:
    return Auditor(store, rooms)


def subjects(report: Report) -> Subjects:
    return {(finding.invariant, finding.kind, finding.id) for finding in report.findings}


def once_after(
    monkeypatch: pytest.MonkeyPatch, store: Store, script: str, change: Callable[[], Awaitable[Any]]
) -> list[str]:
    """Makes `change` happen right after the store has first run this script. Returns what it notes then."""
    run = store.run
    happened: list[str] = []

    async def run_and_change(name: str, *args: Any, **kwargs: Any) -> Any:
        answer = await run(name, *args, **kwargs)
        if name == script and not happened:
            happened.append(script)
            await change()
        return answer

    monkeypatch.setattr(store, "run", run_and_change)
    return happened


async def old_call(people: People) -> Pair:
    """Two users in a call since long ago, as far as their match and they say."""
    pair = await people.pair_in(State.IN_CALL)
    for name, subject, field in (
        ("match", pair.session_id, "createdAt"),
        ("user", pair.a.user_id, "since"),
        ("user", pair.b.user_id, "since"),
    ):
        await people.redis.hincrby(pool_key(people.pool, name, subject), field, -LONG_AGO_MS)
    return pair


async def test_a_call_with_its_room_is_well(auditor: Auditor, people: People, rooms: Rooms) -> None:
    pair = await old_call(people)
    await rooms.create(room_name(people.pool, pair.session_id))
    report = await auditor.audit(people.pool)
    assert report.findings == ()
    assert (report.complete, report.rooms_checked) == (True, True)
    assert report.as_answer()["ok"] is True


async def test_a_call_without_its_room_is_found(auditor: Auditor, people: People) -> None:
    pair = await old_call(people)
    report = await auditor.audit(people.pool)
    assert subjects(report) == {("rooms_have_matches", Kind.MATCH, pair.session_id)}
    answer = report.as_answer()
    assert answer["ok"] is False
    assert answer["invariants"]["rooms_have_matches"] == [answer["findings"][0]["sentence"]]
    assert answer["findings"][0]["kind"] == "match"


async def test_a_call_that_ends_meanwhile_needs_no_room(
    auditor: Auditor, people: People, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = await old_call(people)
    happened = once_after(monkeypatch, store, "matches_examine", lambda: store.skip(pair.a, pair.session_id))
    assert (await auditor.audit(people.pool)).findings == ()
    assert happened


async def test_a_room_without_a_match_is_found(auditor: Auditor, people: People, rooms: Rooms) -> None:
    name = room_name(people.pool, new_id())
    await rooms.create(name)
    await rooms.create(room_name("other", new_id()))
    assert subjects(await auditor.audit(people.pool)) == {("rooms_have_matches", Kind.ROOM, name)}


async def test_a_room_that_is_deleted_meanwhile_is_not_reported(
    auditor: Auditor, people: People, rooms: Rooms, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = room_name(people.pool, new_id())
    await rooms.create(name)
    happened = once_after(monkeypatch, store, "users_scan", lambda: rooms.delete(name))
    assert (await auditor.audit(people.pool)).findings == ()
    assert happened


async def test_somebody_alone_in_a_room_is_found(
    auditor: Auditor, people: People, rooms: Rooms, livekit: Server, mint: TokenMint
) -> None:
    pair = await old_call(people)
    name = room_name(people.pool, pair.session_id)
    await rooms.create(name)
    room = rtc.Room()
    await room.connect(livekit.url.replace("http", "ws"), mint.join_token(name, pair.a.user_id))
    try:
        assert (await auditor.audit(people.pool)).findings == ()  # a partner may yet come

        async def alone() -> Subjects:
            return subjects(await auditor.audit(people.pool))

        assert await eventually(alone, 15) == {("nobody_alone", Kind.ROOM, name)}
    finally:
        await room.disconnect()


async def test_a_deadline_that_is_met_meanwhile_is_not_reported(
    auditor: Auditor, people: People, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = pool_key(people.pool, "deadlines")
    await people.redis.zadd(key, {"leave:met": 1, "leave:late": 1})
    happened = once_after(monkeypatch, store, "deadlines_late", lambda: people.redis.zrem(key, "leave:met"))
    assert subjects(await auditor.audit(people.pool)) == {("deadlines_are_met", Kind.DEADLINE, "leave:late")}
    assert happened


async def test_a_user_that_is_mended_meanwhile_is_not_reported(
    auditor: Auditor, people: People, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = await people.idle(2)
    for user in (a, b):
        await people.redis.hset(pool_key(people.pool, "user", user.user_id), "matchedWith", "somebody")

    async def mend() -> None:
        await people.redis.hdel(pool_key(people.pool, "user", a.user_id), "matchedWith")

    happened = once_after(monkeypatch, store, "users_examine", mend)
    assert subjects(await auditor.audit(people.pool)) == {("free_users_have_no_room", Kind.USER, b.user_id)}
    assert happened


async def test_without_livekit_the_state_is_audited_alone(
    people: People, store: Store, mint: TokenMint
) -> None:
    pair = await old_call(people)  # nobody can say whether it has a room
    await people.redis.hset(pool_key(people.pool, "user", pair.a.user_id), "matchedWith", "somebody")
    rooms = Rooms(f"http://{LOOPBACK}:{free_port()}", mint, timeout_s=1)
    try:
        report = await Auditor(store, rooms).audit(people.pool)
    finally:
        await rooms.aclose()
    assert report.rooms_checked is False
    assert subjects(report) == {("matched_users_have_each_other", Kind.USER, pair.a.user_id)}


async def test_a_report_of_too_much_says_that_there_is_more(auditor: Auditor, people: People) -> None:
    late = {f"leave:{secrets.token_hex(8)}": 1 for _ in range(MOST_FINDINGS + 1)}
    key = pool_key(people.pool, "deadlines")
    await people.redis.zadd(key, dict(late))
    report = await auditor.audit(people.pool)
    assert (len(report.findings), report.complete) == (MOST_FINDINGS, False)
    await people.redis.zrem(key, next(iter(late)))
    assert (await auditor.audit(people.pool)).complete
