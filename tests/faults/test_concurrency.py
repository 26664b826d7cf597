"""Four processes with 64 tasks do all that can be done to 200 users, at random: nothing goes wrong."""

import asyncio
import json
import secrets
import sys
from collections import Counter
from typing import Any

import pytest
from redis.asyncio import Redis

from dormparty_sse.store.keys import pool_key, pool_tag
from tests.support.audit import violations
from tests.support.ownership import ownerless
from tests.support.stack import ROOT
from tests.support.stores import connected_store
from tests.support.storm import RULES

pytestmark = pytest.mark.busy

PROCESSES = 4
USERS = 200
SECONDS = 30
SAMPLE_S = 0.1

#: Where everybody stands, as of one moment: {user, state, sessionId, matchedWith}.
LOOK = """
local found = {}
for number = 0, ARGV[1] - 1 do
  local id = 'user-' .. number
  local user = redis.call('HMGET', KEYS[1] .. ':user:' .. id, 'state', 'sessionId', 'matchedWith')
  table.insert(found, { id, user[1], user[2], user[3] })
end
return cjson.encode(found)
"""


async def storm(url: str, pool: str, seed: int) -> Counter[str]:
    """One process; what it did."""
    command = f"-m tests.support.storm --url {url} --pool {pool} --seed {seed} --users {USERS}"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command.split(),
        f"--seconds={SECONDS}",
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return Counter(json.loads(out))


def assert_symmetrical(everybody: list[list[Any]]) -> int:
    """Each who is in a match has a partner who is in the same; returns how many there are."""
    in_match = {user: (session, other) for user, state, session, other in everybody if is_matched(state)}
    for user, (session, other) in in_match.items():
        assert other != user
        assert in_match.get(other) == (session, user), (user, session, other, in_match.get(other))
    return len(in_match)


def is_matched(state: object) -> bool:
    return state in ("CONNECTING", "IN_CALL")


async def watch(redis: Redis, pool: str, over: asyncio.Event) -> list[int]:
    """Looks until it is over; how many were matched at each moment."""
    matched: list[int] = []
    while not over.is_set():
        answer = await redis.eval(LOOK, 1, pool_tag(pool), USERS)
        matched.append(assert_symmetrical(json.loads(answer)))
        await asyncio.sleep(SAMPLE_S)
    return matched


async def assert_every_step_is_in_the_log(redis: Redis, pool: str) -> int:
    steps = 0
    for number in range(USERS):
        user = f"user-{number}"
        entries = await redis.xrange(pool_key(pool, "log", user)) or []
        seqs = [json.loads((entry or {})["data"]).get("seq") for _, entry in entries]
        told = [seq for seq in seqs if seq]
        last = int(await redis.hget(pool_key(pool, "user", user), "seq") or 0)
        assert told == list(range(1, last + 1)), user
        steps += last
    return steps


@pytest.mark.timeout(180)
async def test_whatever_64_tasks_in_4_processes_do_nothing_contradicts_itself(redis_url: str) -> None:
    pool = f"storm-{secrets.token_hex(4)}"
    async with (
        Redis.from_url(redis_url, decode_responses=True) as redis,
        connected_store(redis_url, RULES) as store,
    ):
        over = asyncio.Event()
        watching = asyncio.create_task(watch(redis, pool, over))
        done = sum(
            await asyncio.gather(*(storm(redis_url, pool, seed) for seed in range(PROCESSES))), Counter()
        )
        over.set()
        matched = await watching

        found = await violations(store, pool)
        found.pop("deadlines_are_met")  # nobody looks after them any more
        assert not any(found.values()), found
        assert await ownerless(redis, pool) == {}
        steps = await assert_every_step_is_in_the_log(redis, pool)
    assert len(matched) > SECONDS / SAMPLE_S / 3
    assert max(matched) > USERS / 20
    assert steps > 10 * USERS
    for what in (
        "enqueue queued",
        "skip skipped",
        "end ended",
        "joined done",
        "force done",
        "repair nothing",
    ):
        assert done[what] > 0, done
