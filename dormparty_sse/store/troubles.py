"""Says in plain words what keeps Redis from doing its work. No address, user or password is in them."""

import re

from redis.exceptions import AuthenticationError, BusyLoadingError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

NO_CONNECTION = "There is no connection to Redis."
NO_ANSWER = "Redis does not answer in time."
STOPPING = "This process is stopping; connect again."

_REFUSED = "Redis refuses our user, password or rights."
_BY_CODE = {
    "LOADING": "Redis is still loading its data.",
    "READONLY": "Redis is a read-only replica.",
    "OOM": "Redis has no memory left (maxmemory) and takes no changes.",
    "MISCONF": "Redis cannot save its data to disk and takes no changes.",
    "NOREPLICAS": "Redis has too few replicas and takes no changes.",
    "CLUSTERDOWN": "The Redis cluster is down.",
    "MASTERDOWN": "Redis is a replica that has lost its master.",
    "BUSY": "Redis is busy with a script that does not end.",
    "UNKILLABLE": "Redis is busy with a script that does not end.",
    "NOAUTH": _REFUSED,
    "WRONGPASS": _REFUSED,
    "NOPERM": _REFUSED,
}
# Redis 6.2 wraps what a script met: "ERR Error running script (...): @user_script: 1: -OOM command ...".
_CODE = re.compile(rf"(?:^|: -)({'|'.join(_BY_CODE)})\b")


def words(error: Exception) -> str | None:
    """What is wrong with Redis itself; None: nothing, the error is one of a command or script."""
    code = _CODE.search(f"{getattr(error, 'status_code', None) or ''} {error}".lstrip())
    if code:
        return _BY_CODE[code[1]]
    if isinstance(error, AuthenticationError):
        return _REFUSED
    if isinstance(error, TimeoutError | RedisTimeoutError):
        return NO_ANSWER
    if isinstance(error, RedisConnectionError | OSError):
        return NO_CONNECTION
    return None


def is_break(error: RedisError | OSError) -> bool:
    """Is the connection broken, rather than Redis saying that it cannot serve us?"""
    if isinstance(error, BusyLoadingError | AuthenticationError):
        return False
    return isinstance(error, RedisConnectionError | RedisTimeoutError | OSError)
