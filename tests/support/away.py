"""Who is away, as the service sees it."""

from dormparty_sse.store.keys import pool_key
from tests.support.person import Person
from tests.support.stack import Stack
from tests.support.waiting import eventually


async def is_away(stack: Stack, someone: Person) -> None:
    """Waits until the service takes somebody for away, without a sign of life of it."""

    async def away() -> bool:
        return await stack.redis.zscore(pool_key(someone.pool, "away"), someone.user_id) is not None

    await eventually(away, what="away")
