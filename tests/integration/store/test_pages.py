"""Pages: everybody who stays is shown once, whoever comes and goes between them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import pytest

from dormparty_sse.domain.errors import InvalidRequest
from dormparty_sse.domain.models import UserRef
from dormparty_sse.domain.queries import Misplaced, Order, Page, UserSince
from dormparty_sse.domain.states import State
from dormparty_sse.store.cursors import write_cursor
from dormparty_sse.store.keys import pool_key
from dormparty_sse.store.queries import Queries
from dormparty_sse.store.store import Store
from tests.integration.store.people import People

T = TypeVar("T")

SAME_MS = 1_700_000_000_000


@pytest.fixture
def queries(store: Store) -> Queries:
    return Queries(store)


async def pages(ask: Callable[[str | None], Awaitable[Page[T]]]) -> AsyncIterator[tuple[T, ...]]:
    """All pages of a question."""
    page = await ask(None)
    yield page.items
    while page.cursor:
        page = await ask(page.cursor)
        yield page.items


async def wait_since(people: People, since: dict[str, int]) -> None:
    """These users are WAITING since then, as far as the state set says."""
    await people.redis.zadd(pool_key(people.pool, "waiting"), dict(since))


async def waiting(
    queries: Queries, people: People, limit: int, order: Order = Order.OLDEST
) -> list[list[str]]:
    """The pages of all who are WAITING."""

    def ask(cursor: str | None) -> Awaitable[Page[UserSince]]:
        return queries.users_in(people.pool, State.WAITING, order=order, limit=limit, cursor=cursor)

    return [[user.user_id for user in items] async for items in pages(ask)]


@pytest.mark.parametrize("order", Order)
async def test_pages_show_everybody_once_in_order(queries: Queries, people: People, order: Order) -> None:
    users = {f"user-{n}": SAME_MS + n for n in range(10)}
    await wait_since(people, users)
    shown = await waiting(queries, people, 3, order)
    assert [len(page) for page in shown] == [3, 3, 3, 1]
    in_order = sorted(users) if order is Order.OLDEST else sorted(users, reverse=True)
    assert [user for page in shown for user in page] == in_order


async def test_last_page_that_is_full_has_no_cursor(queries: Queries, people: People) -> None:
    await wait_since(people, {"a": 1, "b": 2})
    for order in Order:
        assert await waiting(queries, people, 2, order) in ([["a", "b"]], [["b", "a"]])


@pytest.mark.parametrize("order", Order)
async def test_thousands_of_the_same_millisecond_are_shown_once(
    queries: Queries, people: People, order: Order
) -> None:
    users = [f"user-{n}" for n in range(2_500)]
    await wait_since(people, dict.fromkeys(users, SAME_MS))
    shown = [user for page in await waiting(queries, people, 100, order) for user in page]
    assert len(shown) == len(users)
    assert set(shown) == set(users)


@pytest.mark.parametrize("order", Order)
async def test_who_comes_and_goes_between_pages_hides_nobody(
    queries: Queries, people: People, order: Order
) -> None:
    """After each page the last one shown, and some to come, leave, and others arrive everywhere."""
    stay = [f"stay-{n:03}" for n in range(60)]
    go = [f"go-{n:03}" for n in range(60)]
    score = {user: SAME_MS + n // 20 for names in (stay, go) for n, user in enumerate(names)}
    await wait_since(people, score)
    key = pool_key(people.pool, "waiting")

    def ask(cursor: str | None) -> Awaitable[Page[UserSince]]:
        return queries.users_in(people.pool, State.WAITING, order=order, limit=7, cursor=cursor)

    shown: list[str] = []
    async for items in pages(ask):
        shown += [user.user_id for user in items]
        leaving = [shown[-1]] if shown[-1].startswith("go") else []
        await people.redis.zrem(key, *leaving, *go[:: len(shown) % 5 + 2])
        await wait_since(people, {f"late-{len(shown)}-{n}": SAME_MS - 1 + n for n in range(5)})
    assert [user for user in shown if user.startswith("stay")] == sorted(stay, reverse=order is Order.NEWEST)
    assert len(shown) == len(set(shown))


@pytest.mark.parametrize("order", Order)
async def test_users_of_all_states_are_in_one_order(queries: Queries, people: People, order: Order) -> None:
    """Many of each state since the same moment, so that pages end in the middle of them."""
    expected = []
    for n in range(60):
        state = list(State)[n % len(State)]
        since = SAME_MS + n // 20
        await people.redis.zadd(pool_key(people.pool, state.lower()), {f"user-{n:02}": since})
        expected.append(UserSince(user_id=f"user-{n:02}", state=state, since=since))

    def ask(cursor: str | None) -> Awaitable[Page[UserSince]]:
        return queries.users_in(people.pool, None, order=order, limit=7, cursor=cursor)

    shown = [items async for items in pages(ask)]
    assert [len(items) for items in shown] == [7] * 8 + [4]
    in_order = expected if order is Order.OLDEST else expected[::-1]
    assert [user for items in shown for user in items] == in_order
    page = await queries.users_in(people.pool, None, older_than_ms=0, limit=500)
    assert list(page.items) == expected


async def test_nobody_is_missed_for_changing_state_between_pages(queries: Queries, people: People) -> None:
    users = [f"user-{n:02}" for n in range(40)]
    await wait_since(people, {user: SAME_MS + n for n, user in enumerate(users)})

    def ask(cursor: str | None) -> Awaitable[Page[UserSince]]:
        return queries.users_in(people.pool, None, limit=6, cursor=cursor)

    shown: set[str] = set()
    rounds = 0
    async for items in pages(ask):
        shown |= {user.user_id for user in items}
        moved = users[rounds % 5 :: 5] if rounds < 5 else []
        rounds += 1
        for user in moved:
            await people.redis.zrem(pool_key(people.pool, "waiting"), user)
            await people.redis.zadd(pool_key(people.pool, "in_call"), {user: SAME_MS + 1_000 + rounds})
    assert shown == set(users)


async def test_cursor_survives_that_the_last_one_shown_is_gone(queries: Queries, people: People) -> None:
    await wait_since(people, dict.fromkeys("abcdef", SAME_MS))
    first = await queries.users_in(people.pool, State.WAITING, limit=3)
    await people.redis.zrem(pool_key(people.pool, "waiting"), "c", "b")
    rest = await queries.users_in(people.pool, State.WAITING, cursor=first.cursor)
    assert [user.user_id for user in rest.items] == ["d", "e", "f"]


async def test_only_those_who_wait_for_longer_are_shown(queries: Queries, people: People) -> None:
    now = int((await people.redis.time())[0]) * 1000
    await wait_since(people, {"hour": now - 3_600_000, "minute": now - 60_000, "now": now + 60_000})
    for order, expected in ((Order.OLDEST, ["hour", "minute"]), (Order.NEWEST, ["minute", "hour"])):
        page = await queries.users_in(people.pool, State.WAITING, order=order, older_than_ms=30_000)
        assert [user.user_id for user in page.items] == expected
    page = await queries.users_in(people.pool, State.WAITING, older_than_ms=30_000, limit=1)
    assert [user.since for user in page.items] == [now - 3_600_000]
    rest = await queries.users_in(people.pool, State.WAITING, older_than_ms=30_000, cursor=page.cursor)
    assert [user.user_id for user in rest.items] == ["minute"]
    assert rest.cursor is None


async def test_state_nobody_is_in_has_one_empty_page(queries: Queries, people: People) -> None:
    for order in Order:
        page = await queries.users_in(people.pool, State.IN_CALL, order=order)
        assert page == Page(items=(), cursor=None)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "nonsense!",
        "\ud800",
        "ÄÖ",
        "bnVsbA",
        "W10",
        "A" * 100_000,
        write_cursor("users:IDLE:oldest", 1, "a"),
        write_cursor("users:WAITING:newest", 1, "a"),
        write_cursor("users:WAITING:oldest", -1, "a"),
        write_cursor("users:WAITING:oldest", 2**60, "a"),
        write_cursor("users:WAITING:oldest", 1.5, "a"),  # type: ignore[arg-type]
        write_cursor("users:WAITING:oldest", 1, None),  # type: ignore[arg-type]
        write_cursor("users:WAITING:oldest", 1, "\ud800"),
    ],
)
async def test_a_cursor_that_is_none_is_refused(queries: Queries, people: People, cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        await queries.users_in(people.pool, State.WAITING, cursor=cursor)


@pytest.mark.parametrize("limit", [0, -1, 501])
async def test_a_limit_out_of_bounds_is_refused(queries: Queries, people: People, limit: int) -> None:
    for ask in (
        queries.users_in(people.pool, State.IDLE, limit=limit),
        queries.queue(people.pool, limit=limit),
        queries.user(UserRef(user_id="a", pool=people.pool), events=limit),
    ):
        with pytest.raises(InvalidRequest):
            await ask


async def test_a_cursor_is_url_safe(queries: Queries, people: People) -> None:
    await wait_since(people, {"ÿ?>~/+": 1, "ÿ?>~/+ÿ": 2})
    page = await queries.users_in(people.pool, State.WAITING, limit=1)
    assert page.cursor
    assert page.cursor.replace("-", "").replace("_", "").isalnum()
    assert page.cursor.isascii()
    rest = await queries.users_in(people.pool, State.WAITING, cursor=page.cursor)
    assert [user.user_id for user in rest.items] == ["ÿ?>~/+ÿ"]


@pytest.mark.parametrize("older_than_ms", [-1, 2**53 + 1])
async def test_an_age_that_is_none_is_refused(queries: Queries, people: People, older_than_ms: int) -> None:
    with pytest.raises(InvalidRequest):
        await queries.users_in(people.pool, State.WAITING, older_than_ms=older_than_ms)


# Who is not where one should be


async def misplaced(queries: Queries, people: People) -> dict[str, tuple[str, ...]]:
    def ask(cursor: str | None) -> Awaitable[Page[Misplaced]]:
        return queries.misplaced(people.pool, cursor=cursor)

    return {user.user_id: user.states async for items in pages(ask) for user in items}


async def test_nobody_is_misplaced_in_a_sound_pool(queries: Queries, people: People) -> None:
    for state in (State.IDLE, State.IN_CALL, State.DISCONNECTING, State.CONNECTING, State.WAITING):
        await people.pair_in(state)
    assert await misplaced(queries, people) == {}


async def test_users_in_several_states_or_none_are_found_in_a_crowd(queries: Queries, people: People) -> None:
    crowd = {f"user-{n}": 1.0 for n in range(1_000)}
    for index in ("presence", "idle"):
        await people.redis.zadd(pool_key(people.pool, index), dict(crowd))
    await people.redis.zadd(pool_key(people.pool, "in_call"), {"user-500": 1})
    await people.redis.zadd(pool_key(people.pool, "presence"), {"in-none": 1})
    for index in ("waiting", "connecting"):
        await people.redis.zadd(pool_key(people.pool, index), {"not-present": 1})
    assert await misplaced(queries, people) == {
        "user-500": ("IDLE", "IN_CALL"),
        "in-none": (),
        "not-present": ("CONNECTING", "WAITING"),
    }


@pytest.mark.parametrize(("at", "cursor"), [(0, "0"), (1, ""), (1, "x"), (1, "²"), (1, "-1")])
async def test_a_cursor_that_no_scan_has_is_refused(
    queries: Queries, people: People, at: int, cursor: str
) -> None:
    with pytest.raises(InvalidRequest):
        await queries.misplaced(people.pool, cursor=write_cursor("misplaced", at, cursor))
