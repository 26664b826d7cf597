"""`dormparty-sse check`: are the settings right, and does everything they name work?"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

import aiohttp
from livekit import api
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError

from dormparty_sse import settings as settings_module
from dormparty_sse.dev.environment import Environment
from dormparty_sse.dev.errors import from_os_error
from dormparty_sse.domain.clock import Clock
from dormparty_sse.domain.errors import RoomsAway, SettingsError
from dormparty_sse.domain.names import new_check_room
from dormparty_sse.livekit.rooms import Rooms
from dormparty_sse.livekit.tokens import TokenMint
from dormparty_sse.settings import Settings
from dormparty_sse.store.keys import check_probe

_OLDEST_REDIS = (6, 2)
_WEBHOOK_WITHIN_S = 5.0
_POLL_INTERVAL_S = 0.05
_OK = 200
_WRONG_SETTINGS = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    verdict: Literal["ok", "warn", "FAIL"]
    text: str  #: What was found, and for a failure what to change.


class CheckFailed(Exception):
    """The message says what to change."""


def check(*, in_dev: bool) -> int:
    """Print a line for each part; return the exit status: 0 only if none failed."""
    try:
        if in_dev:
            os.environ.update(Environment.load().settings())
        settings = settings_module.load()
    except SettingsError as error:
        _show("settings", Finding("FAIL", str(error)))
        return _WRONG_SETTINGS
    except OSError as error:
        raise from_os_error(error, "set DEV_DIR to the directory of the running `dev`") from None
    _show("settings", Finding("ok", "all valid"))
    return asyncio.run(_check_parts(settings))


async def _check_parts(settings: Settings) -> int:
    redis = Redis.from_url(
        settings.redis_url,
        decode_responses=True,
        socket_connect_timeout=settings.redis_connect_timeout,
        socket_timeout=settings.redis_command_timeout,
        retry=Retry(NoBackoff(), retries=0),
    )
    mint = TokenMint(
        api_key=settings.livekit_api_key,
        api_secret=settings.livekit_api_secret,
        clock=Clock(),
        ttl_s=settings.join_token_ttl_s,
    )
    rooms = Rooms(settings.livekit_url, mint, timeout_s=settings.livekit_timeout_s)
    parts: dict[str, Callable[[], Awaitable[Finding]]] = {
        "redis": lambda: _check_redis(redis),
        "livekit": lambda: _check_livekit(rooms, settings),
        "service": lambda: _check_service(settings),
        "webhooks": lambda: _check_webhooks(redis, rooms, settings),
    }
    failed: list[str] = []
    try:
        for name, look in parts.items():
            # The webhooks' way leads through all the others.
            finding = await _look(look) if name != "webhooks" or not failed else _not_tried(failed)
            _show(name, finding)
            if finding.verdict == "FAIL":
                failed.append(name)
    finally:
        await rooms.aclose()
        await redis.aclose()
    return 1 if failed else 0


async def _look(look: Callable[[], Awaitable[Finding]]) -> Finding:
    try:
        return await look()
    except CheckFailed as error:
        return Finding("FAIL", str(error))


def _not_tried(failed: list[str]) -> Finding:
    return Finding("FAIL", f"not tried: mend {' and '.join(failed)} first")


async def _check_redis(redis: Redis) -> Finding:
    try:
        info = await redis.info()
        await redis.set("dormparty:check", 1, ex=1)
    except AuthenticationError as error:
        raise CheckFailed(f"does not let us in ({error}): change the user or password in REDIS_URL") from None
    except (RedisError, OSError, TimeoutError) as error:
        raise CheckFailed(f"does not answer as it should ({error}): start it, or change REDIS_URL") from None
    version = str(info["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST_REDIS:
        raise CheckFailed(f"is {version}: 6.2 or newer is needed")
    weak = []
    if not info["aof_enabled"]:
        weak.append("a restart loses all state: set appendonly yes")
    if info.get("maxmemory_policy", "noeviction") != "noeviction":
        weak.append("full memory makes users vanish: set maxmemory-policy noeviction")
    return Finding("warn", f"{version}; {'; '.join(weak)}") if weak else Finding("ok", version)


async def _check_livekit(rooms: Rooms, settings: Settings) -> Finding:
    try:
        await rooms.ping()
    except RoomsAway as error:
        if isinstance(error.__cause__, api.ServerError):
            what = f"answers {error.__cause__.status}"
            keys = "LIVEKIT_API_KEY and LIVEKIT_API_SECRET must be one of the pairs under its `keys`"
            raise CheckFailed(f"{settings.livekit_url} {what}: {keys}") from None
        raise CheckFailed(
            f"{settings.livekit_url} does not answer: start it, or change LIVEKIT_URL"
        ) from None
    return Finding("ok", f"{settings.livekit_url}, and it knows our key")


async def _check_service(settings: Settings) -> Finding:
    url = f"{_service_url(settings)}/readyz"
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
            session.get(url) as answer,
        ):
            if answer.status != _OK:
                said = (await answer.text())[:200]
                raise CheckFailed(f"{url} answers {answer.status}: is APP_URL right, its log quiet? {said}")
    except (aiohttp.ClientError, TimeoutError):
        raise CheckFailed(f"{url} does not answer: start `dormparty-sse serve`, or change APP_URL") from None
    return Finding("ok", url)


async def _check_webhooks(redis: Redis, rooms: Rooms, settings: Settings) -> Finding:
    """Make a room and wait until the running service notes the webhook about it."""
    name = new_check_room()
    try:
        await rooms.create(name)
        arrived = await _webhook_arrives(redis, name)
    except (RoomsAway, RedisError) as error:
        raise CheckFailed(f"cannot be tried ({error}): look at redis and livekit again") from None
    finally:
        await _delete(rooms, name)
    if arrived:
        return Finding("ok", "arrive and are signed as they should be")
    url = f"{_service_url(settings)}/api/livekit/webhooks"
    raise CheckFailed(
        f"none arrived in {_WEBHOOK_WITHIN_S:g} s: LiveKit's setup needs in `webhook.urls` {url}, "
        "reachable from there, and in `webhook.api_key` the key of LIVEKIT_WEBHOOK_KEY or LIVEKIT_API_KEY"
    )


async def _webhook_arrives(redis: Redis, room_name: str) -> bool:
    # By the clock: a cancellation that comes during a call to Redis may be lost before Python 3.12.
    deadline = time.monotonic() + _WEBHOOK_WITHIN_S
    while time.monotonic() < deadline:
        if await redis.exists(check_probe(room_name)):
            return True
        await asyncio.sleep(_POLL_INTERVAL_S)
    return False


async def _delete(rooms: Rooms, name: str) -> None:
    try:
        await rooms.delete(name)
    except RoomsAway as error:
        print(f"warn LiveKit room {name} is left over ({error})")


def _service_url(settings: Settings) -> str:
    return settings.app_url or f"http://{settings.host}:{settings.port}"


def _show(name: str, finding: Finding) -> None:
    print(f"{finding.verdict:<4} {name:<8} {finding.text}", flush=True)
