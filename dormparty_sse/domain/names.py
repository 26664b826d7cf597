"""IDs and names: how they are made, and how a room's name tells its pool and match."""

import re
import secrets

POOL_PATTERN = r"[a-z0-9-]{1,32}"
DEFAULT_POOL = "main"

_ROOM_PREFIX = "dormparty"
_CHECK_ROOM_PREFIX = "dormparty-check-"
_ROOM_NAME = re.compile(
    rf"{_ROOM_PREFIX}\.(?P<pool>{POOL_PATTERN})\.(?P<session_id>[\w-]{{16,64}})", re.ASCII
)


def new_id() -> str:
    """A new user or session id: 144 random bits, URL-safe."""
    return secrets.token_urlsafe(18)


def room_name(pool: str, session_id: str) -> str:
    """The name of a match's room. As a session id is never used again, neither is the name."""
    return f"{_ROOM_PREFIX}.{pool}.{session_id}"


def parse_room_name(name: str) -> tuple[str, str] | None:
    """(pool, session id) of a room of ours, or None for anybody else's."""
    found = _ROOM_NAME.fullmatch(name)
    return (found["pool"], found["session_id"]) if found else None


def new_check_room() -> str:
    """A name for a room that `dormparty-sse check` makes, to see whether its webhooks arrive."""
    return _CHECK_ROOM_PREFIX + new_id()


def is_check_room(name: str) -> bool:
    """Is this a room of `dormparty-sse check`?"""
    return name.startswith(_CHECK_ROOM_PREFIX)
