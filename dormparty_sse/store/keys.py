"""Every Redis key of the project, named once, for Python and (through the script loader) for Lua.

All keys of a pool carry the hash tag `{pool}`, so a pool lives in one slot of a Redis Cluster and a
script may touch any of them.
"""

#: Keys and channels of one pool, behind its `{pool}` tag. `%s` stands for the id.
POOL_KEYS: dict[str, str] = {
    # State sets: sorted sets of users, score = since when (ms).
    "idle": ":matching:idle",
    "waiting": ":matching:waiting",
    "connecting": ":matching:connecting",
    "in_call": ":matching:in_call",
    "disconnecting": ":matching:disconnecting",
    "queue": ":queue",  #: Sorted set of the users free to be matched, score = place in the queue.
    "next_place": ":queue:next",  #: Counter of places.
    "match_from": ":queue:match-from",  #: Rank in the line at which matching goes on; expires.
    "average_wait": ":queue:average-wait",  #: Moving average of recent waits, ms; expires.
    "presence": ":presence",  #: Sorted set of users, score = last seen (ms).
    "away": ":away",  #: Sorted set of users who are not there for the moment, score = since when (ms).
    "deadlines": ":deadlines",  #: Sorted set of `kind:id`, score = when it falls due (ms).
    "matches": ":matches",  #: Sorted set of sessions reserved, open or closing, score = since when (ms).
    "user": ":user:%s",  #: Hash: the user's metadata.
    "events": ":user:%s:events",  #: Pub/sub channel of the user's events.
    "log": ":user:%s:log",  #: Stream: the user's replayable events.
    "cooldowns": ":user:%s:cooldowns",  #: Sorted set of users to be kept apart from, score = until (ms).
    "partners": ":user:%s:partners",  #: List of its latest matches, newest first: `session partner`; expires.
    "reported": ":user:%s:reported",  #: Hash: the id of the user's report of each session; expires.
    "bar": ":user:%s:bar",  #: JSON: why the user may not be matched, and until when; expires then.
    "device": ":user:%s:device",  #: The device of a user who is forgotten; expires.
    # Of a person, by its device, else its user.
    "blocks": ":person:%s:blocks",  #: Sorted set of people it never meets again, score = since (ms); expires.
    "skips": ":person:%s:skips",  #: Sorted set of its latest skips, `user seq`, score = when (ms); expires.
    "skip_cooldown": ":person:%s:skip-cooldown",  #: Hash: `until` (ms) and `level`; expires.
    "reporters": ":person:%s:reporters",  #: Sorted set of `person report`, score = when (ms); expires.
    "report": ":report:%s",  #: Hash: one report; expires.
    "open_reports": ":reports:open",  #: Sorted set of reports for the moderators, score = when (ms).
    "resolved_reports": ":reports:resolved",  #: Likewise, score = when it was resolved.
    "trail": ":trail",  #: Stream: what moderators did.
    "signed_out": ":user:%s:signed-out",  #: When the user signed out (ms): older tokens are void; expires.
    "match": ":match:%s",  #: Hash: one match.
    "operation": ":operation:%s",  #: The answer to a command, for whoever repeats it; expires.
    "statistics": ":statistics:%s",  #: Hash: what happened in one minute (since the epoch); expires.
    "gone": ":gone:%s",  #: A LiveKit participant (by sid) whose end has been told; expires.
    "webhook": ":webhook:%s",  #: A webhook event that has been applied; expires.
}

#: Set of the pools that have users. Outside any pool, so no script touches it.
POOLS = "dormparty:pools"

#: Likewise: which process reconciles now, whether it is time to, and what came of it last. All expire.
RECONCILIATION_LEASE = "dormparty:reconciliation:lease"
RECONCILIATION_TURN = "dormparty:reconciliation:turn"
RECONCILIATION_REPORT = "dormparty:reconciliation:report"


def pool_tag(pool: str) -> str:
    """The hash tag that all keys of `pool` begin with; it is the scripts' KEYS[1]."""
    return f"{{{pool}}}"


def pool_key(pool: str, name: str, *ids: str) -> str:
    """The key `name` of `pool`, for example `pool_key("main", "user", user_id)`."""
    return pool_tag(pool) + POOL_KEYS[name] % ids


def hangups(address: str) -> str:
    """Sorted set of streams to an address (a keyed hash) that have just ended, score = when (ms); expires."""
    return f"dormparty:hangups:{address}"


def device_users(device: str) -> str:
    """Set of the users, `pool user`, that have a session on a device; expires."""
    return f"dormparty:device:{device}:users"


def device_bar(device: str) -> str:
    """JSON: why a device is kept out, and until when; expires then."""
    return f"dormparty:device:{device}:bar"


def rate_counts(limit: str) -> tuple[str, str]:
    """Requests counted for a limit and for whom: those of the window before, and of this one; both expire."""
    return f"dormparty:requests:{limit}:before", f"dormparty:requests:{limit}"


def spent_challenge(nonce: str) -> str:
    """Who has spent the solution of a challenge of the gate; expires."""
    return f"dormparty:gate:{nonce}"


def check_probe(room_name: str) -> str:
    """Where the webhook of a `dormparty-sse check` room is noted; expires."""
    return f"dormparty:check:{room_name}"
