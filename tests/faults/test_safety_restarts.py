"""Who is kept back is so still after everything was killed and started again."""

from pathlib import Path

from tests.support.calls import invited, pair
from tests.support.crowd import crowd
from tests.support.faults import is_ready
from tests.support.person import Person
from tests.support.stack import SECRET, Stack, running_stack

SKIPS = 2


async def refusal(someone: Person, action: str) -> tuple[int, str, int]:
    """(status, code, until when) of an action that must not succeed."""
    status, problem = await someone.request("POST", f"/api/matching/{action}")
    return status, problem["code"], problem.get("until") or problem["cooldownUntil"]


async def ban(stack: Stack, someone: Person) -> None:
    url = f"{stack.url}/api/admin/users/{someone.user_id}/ban"
    headers = {"Authorization": f"Bearer {SECRET}"}
    async with stack.http.post(url, json={"pool": someone.pool, "reason": "spam"}, headers=headers) as answer:
        assert answer.status == 200


async def test_cooldowns_blocks_suspensions_and_bans_survive_a_restart(directory: Path) -> None:
    async with (
        running_stack(directory, SKIPS=str(SKIPS), PAIR_COOLDOWN_S="0.1", REPORTERS="1") as stack,
        crowd(stack, 7) as people,
    ):
        hasty, partner, blocker, blocked, culprit, reporter, reported = people
        match = await pair(reporter, reported)
        await reporter.post("report", sessionId=match["sessionId"], reason="spam")
        await pair(hasty, partner)
        for _ in range(SKIPS):
            await hasty.post("skip")
            await invited(hasty, partner)
        match = await pair(blocker, blocked)
        await blocker.post("block", sessionId=match["sessionId"])
        await ban(stack, culprit)

        async def refusals() -> list[tuple[int, str, int]]:
            return [
                await refusal(hasty, "skip"),
                *[await refusal(one, "enqueue") for one in (reported, culprit)],
            ]

        before = await refusals()
        codes = [(429, "skip_cooldown"), (403, "suspended"), (403, "banned")]
        assert [refused[:2] for refused in before] == codes

        await stack.service.kill()
        await stack.redis_server.kill()
        await stack.redis_server.start()
        await stack.service.start()
        await is_ready(stack)
        assert await refusals() == before
        assert (await blocker.get("status"))["holdReason"] == "blocked"
        for someone in (hasty, partner, blocker, blocked):
            await someone.post("end")
