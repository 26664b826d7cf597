"""Every key in Redis has an owner that will see to its end, or forgets itself."""

import re
from collections.abc import Mapping

from redis.asyncio import Redis

from dormparty_sse.store.keys import POOL_KEYS, pool_key, pool_tag

#: What belongs to the pool, and is gone when the pool is empty.
_OF_THE_POOL = {name for name, template in POOL_KEYS.items() if "%s" not in template}
_NO_TTL = -1  # while -2 is a key that has gone meanwhile
#: Sorted sets whose members are users.
_OF_USERS = ("idle", "waiting", "connecting", "in_call", "disconnecting", "queue", "presence")


async def ownerless(redis: Redis, pool: str) -> dict[str, str]:
    """The keys of a pool that nobody would ever remove, and why."""
    found: dict[str, str] = {}
    deadlines = set(map(str, await redis.zrange(pool_key(pool, "deadlines"), 0, -1)))
    matches = set(map(str, await redis.zrange(pool_key(pool, "matches"), 0, -1)))
    users = set[str]()
    async for key in redis.scan_iter(f"{pool_tag(pool)}*", count=1_000):
        kind, owner = _kind(pool, str(key))
        if kind == "user":
            users.add(owner)
        if await redis.pttl(key) != _NO_TTL or kind in _OF_THE_POOL:
            continue
        if kind == "user" and f"presence:{owner}" in deadlines:
            continue
        if kind == "match" and owner in matches:
            continue
        found[str(key)] = "has no owner and no TTL"
    for name in _OF_USERS:
        for member in await redis.zrange(pool_key(pool, name), 0, -1):
            if str(member) not in users:
                found[f"{name} {member!s}"] = "is a member, and no user"
    if not deadlines and await redis.exists(pool_key(pool, "next_place")):
        found[pool_key(pool, "next_place")] = "is left of an empty pool"
    return found


def _kind(pool: str, key: str) -> tuple[str, str]:
    """(name of the key, its owner's id)."""
    for name, template in _by_length(POOL_KEYS).items():
        pattern = re.escape(pool_tag(pool) + template).replace("%s", r"([\w-]+)")
        if match := re.fullmatch(pattern, key):
            return name, match[1] if match.groups() else ""
    return "unknown", ""


def _by_length(templates: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(templates.items(), key=lambda item: -len(item[1])))
