"""All that Redis holds, to be compared."""

from dormparty_sse.store.keys import pool_key
from tests.support.stack import Stack

HONEST = "honest"  #: The pool of those whose state does change.

State = dict[str, bytes | list[str]]


async def everything(stack: Stack) -> State:
    """All pools but that of honest people, as `Stack.contents` has them, and what is in none and lasts.

    What is in no pool and expires are counters and notes of the service's own, as is which webhooks it
    has seen. When deadlines fall due changes with every sign of life; which ones there are does not.
    """
    pools = sorted(str(pool) for pool in await stack.redis.smembers("dormparty:pools"))
    found: State = {}
    for pool in pools:
        if pool != HONEST:
            found |= await _of_pool(stack, pool)
    async for key in stack.redis.scan_iter():
        if (
            not str(key).startswith(tuple(f"{{{pool}}}" for pool in pools))
            and await stack.redis.ttl(key) == -1
        ):
            found[str(key)] = await stack.redis.dump(key) or b""
    return found


async def _of_pool(stack: Stack, pool: str) -> State:
    deadlines = pool_key(pool, "deadlines")
    contents = await stack.contents(pool)
    found: State = {
        key: dump for key, dump in contents.items() if not key.startswith(pool_key(pool, "webhook", ""))
    }
    found[deadlines] = sorted(map(str, await stack.redis.zrange(deadlines, 0, -1)))
    return found


def changes(before: State, after: State) -> list[str]:
    """The keys that are not what they were."""
    return sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
