"""Whose session still counts: the one place that asks, with every request, and the one that ends it."""

from dormparty_sse.domain.errors import Barred, Unauthenticated
from dormparty_sse.domain.models import Session
from dormparty_sse.domain.moderation import BarKind
from dormparty_sse.services.commits import Commits
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.devices import read_bar
from dormparty_sse.store.keys import pool_key
from dormparty_sse.store.store import Store

_MARGIN_MS = 60_000  # a token may have been made by a process whose clock is ahead


class Standing:
    """How users stand with the service."""

    def __init__(
        self, connection: Connection, store: Store, commits: Commits, *, session_ttl_s: float
    ) -> None:
        self._connection = connection
        self._store = store
        self._commits = commits
        self._remember_ms = round(session_ttl_s * 1000) + _MARGIN_MS

    async def require(self, session: Session) -> None:
        """Raises Banned, StateAway, and Unauthenticated if the user has signed out."""
        keys = (pool_key(session.user.pool, name, session.user.user_id) for name in ("signed_out", "bar"))
        signed_out, bar = await self._connection.execute("MGET", *keys)
        if signed_out is not None:
            raise Unauthenticated("You have signed out of this session.")
        if bar is not None and (found := read_bar(bar)).kind is BarKind.BANNED:
            raise Barred.by(found)

    async def sign_out(self, session: Session) -> None:
        """All tokens of the user are void, in every process; its match or waiting ends.

        That goes for one being renewed at this moment, too: whoever signs out comes back as somebody new.
        """
        await self._commits.run(self._store.sign_out(session.user, self._remember_ms))
