"""Several people at once, on any stack."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from tests.support.person import Person, person
from tests.support.stack import Stack
from tests.support.waiting import PATIENCE_S, eventually


@asynccontextmanager
async def crowd(
    stack: Stack, size: int, *, pool: str | None = None, url: str | None = None
) -> AsyncIterator[list[Person]]:
    """`size` new people, in a new pool unless one is named. When they have gone, the audit must find nothing.

    `url` is that of the service process they use, by default the stack's own.
    """
    pool = pool or f"pool-{secrets.token_hex(6)}"
    async with AsyncExitStack() as people:
        yield [await people.enter_async_context(person(url or stack.url, pool)) for _ in range(size)]
    await stack.assert_sound(pool)


async def partners(people: Iterable[Person], timeout_s: float = PATIENCE_S) -> dict[str, str]:
    """Waits until everybody has a match; each user's partner."""
    found: dict[str, str] = {}

    async def look(someone: Person) -> None:
        async def matched() -> bool:
            answer = await someone.get("check-match")
            if answer["matched"]:
                found[someone.user_id] = answer["match"]["partnerId"]
            return bool(answer["matched"])

        await eventually(matched, timeout_s, "a match")

    await asyncio.gather(*map(look, people))
    return found
