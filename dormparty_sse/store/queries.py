"""What operators and programs ask of the state store. To be asked for is no sign of life.

Every answer is bounded, and no script keeps Redis busy for long, however large the pool.
"""

from collections.abc import Mapping, Sequence

from dormparty_sse.domain.errors import UnknownUser
from dormparty_sse.domain.models import UserRef
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.domain.queries import (
    InLine,
    Misplaced,
    Order,
    Page,
    UserDetails,
    UserSince,
    UserState,
)
from dormparty_sse.domain.states import State
from dormparty_sse.store.cursors import check_limit, check_number, no_cursor, read_cursor, write_cursor
from dormparty_sse.store.details import user_details
from dormparty_sse.store.store import Store

MOST_STATES = 1_000  #: Users whose states are told at once.
_LOOKED_AT = 250  # by one page of `misplaced`


class Queries:
    """Each method raises StateAway if Redis does not answer.

    A `limit` is 1 to 500. A page's `cursor` is for the same question alone; users who come and go between two
    pages neither hide nor repeat the others. Raises InvalidRequest for a limit or cursor that is none.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def count_states(self, pool: str) -> Mapping[State, int]:
        """How many users are in each state."""
        counts = (await self._store.run("states_count", pool)).fields["counts"]
        return {state: counts[state] for state in State}

    async def users_in(
        self,
        pool: str,
        state: State | None,
        *,
        order: Order = Order.OLDEST,
        limit: int = 100,
        older_than_ms: int | None = None,
        cursor: str | None = None,
    ) -> Page[UserSince]:
        """The users in a state, or in any (None), by how long they have been in it.

        `older_than_ms`: only those who have been in it for longer. Who changes state between two pages has a
        new place in the order. From the oldest on, that is still to come, so nobody who stays in the pool is
        missed; from the newest on, it would be on a page shown already.
        """
        check_limit(limit)
        question = f"users:{state or 'ANY'}:{order}"
        since, last = read_cursor(cursor, question) or ("", "")
        if older_than_ms is not None:
            check_number(older_than_ms, "olderThanMs")
        older = "" if older_than_ms is None else older_than_ms
        page = (order, limit, older, since, last)
        if state:
            fields = (await self._store.run("users_page", pool, state, *page)).fields
        else:
            fields = (await self._store.run("users_list", pool, *page)).fields
        users = tuple(
            UserSince(user_id=user, since=at, state=state or State(of_its_own[0]))
            for user, at, *of_its_own in fields["entries"]
        )
        more = write_cursor(question, users[-1].since, users[-1].user_id) if fields["more"] else None
        return Page(items=users, cursor=more)

    async def queue(self, pool: str, *, limit: int = 100, cursor: str | None = None) -> Page[InLine]:
        """The users free to be matched, who comes first first."""
        check_limit(limit)
        place, last = read_cursor(cursor, "queue") or ("", "")
        fields = (await self._store.run("queue_page", pool, limit, place, last)).fields
        entries = list(fields["entries"])
        users = tuple(
            InLine(user_id=user, position=position, waiting_since=since or None)
            for position, (user, _, since) in enumerate(entries, fields["position"])
        )
        more = write_cursor("queue", entries[-1][1], entries[-1][0]) if fields["more"] else None
        return Page(items=users, cursor=more)

    async def states(self, pool: str, user_ids: Sequence[str]) -> Mapping[str, UserState]:
        """The states of many users, by id, without those who are unknown. Raises ValueError over 1,000."""
        if len(user_ids) > MOST_STATES:
            raise ValueError(f"at most {MOST_STATES} users at once")
        users = (await self._store.run("users_states", pool, *user_ids)).fields["users"]
        return {
            user: UserState(user_id=user, state=state, since=since, seq=seq)
            for user, state, since, seq in users
        }

    async def misplaced(self, pool: str, *, cursor: str | None = None) -> Page[Misplaced]:
        """Users in several states or in none: there should be none. A page is what some hundred users gave.

        So a page may be empty and have a cursor. Who moves meanwhile may come twice.
        """
        at, index_cursor = read_cursor(cursor, "misplaced") or (1, "0")
        if at < 1 or not (index_cursor.isascii() and index_cursor.isdigit()):
            raise no_cursor()
        fields = (await self._store.run("users_misplaced", pool, at, index_cursor, _LOOKED_AT)).fields
        users = tuple(
            Misplaced(user_id=user, states=tuple(sorted(states))) for user, states in fields["users"]
        )
        more = write_cursor("misplaced", fields["at"], fields["cursor"]) if "at" in fields else None
        return Page(items=users, cursor=more)

    async def user(self, user: UserRef, *, events: int = 100) -> UserDetails:
        """All that is known of a user, with so many of its last events. Raises UnknownUser."""
        check_limit(events, "events")
        commit = await self._store.run("user_show", user.pool, user.user_id, events)
        if commit.outcome is Outcome.NOTHING:
            raise UnknownUser
        return user_details(user.user_id, commit, unreachable_after_ms=self._store.rules.unreachable_after_ms)
