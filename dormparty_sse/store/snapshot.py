"""Reads the answer of `pool_snapshot.lua` into what the audit looks at."""

from dormparty_sse.domain.audit import PoolSnapshot
from dormparty_sse.domain.models import Commit
from dormparty_sse.domain.rules import Rules


def pool_snapshot(commit: Commit, rules: Rules) -> PoolSnapshot:
    """The pool as of the script's moment, without LiveKit's rooms."""
    fields = commit.fields
    # Lua has one empty table, and its JSON is {}: where a list is meant, it is made one here.
    users = {user: dict(data) for user, data in fields["users"].items()}
    logs = {user: list(data.pop("log")) for user, data in users.items()}
    return PoolSnapshot(
        pool=commit.pool,
        now=commit.now,
        sets={state: list(members) for state, members in fields["sets"].items()},
        queue=list(fields["queue"]),
        users=users,
        logs=logs,
        matches=fields["matches"],
        deadlines=[(member, at) for member, at in fields["deadlines"]],
        cooldowns=[(user, other, until) for user, other, until in fields["cooldowns"]],
        rooms=None,
        rules=rules,
    )
