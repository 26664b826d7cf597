"""All settings: names, types, defaults. The environment wins over `config/*.toml`.

`REDIS_URL` in the environment is `redis_url` in a file and here. README.md and config/default.toml list
the same; a test keeps the three in step.
"""

import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, PositiveInt, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import SettingsError as SourceError

from dormparty_sse.domain.errors import SettingsError
from dormparty_sse.domain.names import POOL_PATTERN
from dormparty_sse.domain.rules import Rules
from dormparty_sse.domain.strength import SHORTEST_SECRET, unfit_secret
from dormparty_sse.limits_table import RateLimitTable

Seconds = Annotated[float, Field(gt=0, le=86_400)]
LongSeconds = Annotated[float, Field(gt=0, le=315_360_000)]  # ten years
Secret = Annotated[str, Field(min_length=SHORTEST_SECRET, repr=False)]

#: As browsers write it: in lower case, without a path. Without https only on this machine.
_ORIGIN = r"https://[a-z0-9.-]+(:\d+)?"
_LOCAL_ORIGIN = r"http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"
_SHORTEST_OPERATION_TTL_MS = 10_000
_LIVEKITS_EXAMPLE_KEY = "devkey"
_THIRD_PARTY_GATES = ("turnstile", "hcaptcha")
_GATES_FOR_TESTS = re.compile(r"\dx0{10}")  # those that Turnstile and hCaptcha give for tests begin so
_CONFIG_DIR = Path(os.environ.get("DORMPARTY_CONFIG_DIR", "config"))


class Settings(BaseSettings):
    """Durations are in seconds."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    # Where things are
    redis_url: str = Field(pattern=r"^rediss?://")  #: The state.
    livekit_url: str = Field(pattern=r"^(wss?|https?)://")  #: LiveKit, as the service reaches it.
    livekit_public_url: str = ""  #: LiveKit, as browsers reach it; empty: the same.
    livekit_api_key: str = Field(min_length=1)  #: LiveKit's API key.
    livekit_api_secret: Secret  #: LiveKit's API secret.
    livekit_webhook_key: str = ""  #: The key that signs webhooks; empty: the API key.
    livekit_webhook_secret: str = Field(default="", repr=False)  #: Its secret; empty: the API secret.
    app_url: str = Field(
        default="", validation_alias=AliasChoices("app_url", "next_public_app_url")
    )  #: Where people open the page; further allowed Origin of requests. Empty: the Host asked for.
    cors_origins: str = ""  #: Origins, with commas, of pages elsewhere that may use the service.
    pools: str = ""  #: Those that people may come into, with commas; empty: any that they name.
    host: str = "127.0.0.1"  #: Address to listen on.
    port: int = Field(default=8080, ge=1, le=65_535)  #: Port to listen on.
    web_concurrency: PositiveInt = 1  #: Processes.
    trusted_proxies: str = ""  #: Whose X-Forwarded-* headers are believed: addresses, networks, with commas.

    # Secrets and sessions
    production: bool = False  #: Refuse secrets that are weak, known or alike, and an APP_URL without https.
    session_secret: Secret  #: Signs session tokens. A list, with commas: the first signs, all are taken.
    admin_token: Secret  #: Opens /api/admin.
    session_ttl_s: Seconds = 86_400  #: How long a session token is valid.
    session_cookie_same_site: Literal["Lax", "None"] = "Lax"  #: `None`: for pages of other sites.
    join_token_ttl_s: Seconds = 60  #: How long a LiveKit join token is valid.

    # The gate before new sessions
    gate: Literal["off", "proof-of-work", "turnstile", "hcaptcha"] = "off"  #: What a new session takes.
    gate_difficulty: int = Field(default=16, ge=1, le=32)  #: Bits of work; each one more doubles it.
    gate_site_key: str = ""  #: Of Turnstile or hCaptcha, for the page.
    gate_secret: str = Field(default="", repr=False)  #: Theirs, for the service.
    gate_verify_url: str = Field(
        default="", pattern=r"^(https?://.*)?$"
    )  #: Where to ask them; empty: theirs.
    gate_timeout_s: Seconds = 3  #: For their answer.

    # Logs
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"  #: The least severe level to write.
    log_format: Literal["json", "console"] = "json"  #: `json`: one object per line.

    # Redis and LiveKit calls
    redis_pool_size: int = Field(default=4, ge=1, le=10_000)  #: Connections to Redis, per process.
    redis_max_retries: int = Field(default=10, ge=1, le=1_000)  #: Failed attempts until Redis counts as down.
    redis_connect_timeout: Seconds = 2  #: To connect to Redis.
    redis_command_timeout: Seconds = 2  #: For Redis to answer a command, waiting for a connection included.
    livekit_timeout_s: Seconds = 3  #: For LiveKit to answer a call.
    livekit_probe_interval_s: Seconds = 2  #: Between looks whether LiveKit is there.

    # Matching and calls
    pair_cooldown_s: Seconds = 30  #: Two people are kept apart after a skip.
    reservation_s: Seconds = 8  #: A pair is held while its room is made; more than a LiveKit call may take.
    connect_timeout_s: Seconds = 15  #: A match waits for both to be in the room.
    longest_call_s: Seconds = 14_400  #: A call ends after so long.
    match_memory_s: Seconds = 1_800  #: An ended match is remembered, so that a late click finds it over.
    leave_timeout_s: Seconds = 1  #: A user has to leave the room.
    unreachable_after_s: Seconds = 10  #: Not seen: queued, but not matched.
    come_back_s: Seconds = 3  #: Who has closed the stream without a word may come back to the call.
    alone_grace_s: Seconds = 5  #: LiveKit sees one of the two alone: the call may still go on.
    stale_after_s: Seconds = 60  #: Not seen: out of the queue, out of the call.
    user_ttl_s: Seconds = 3_600  #: Not seen: forgotten.
    reconcile_interval_s: Seconds = 3  #: Between comparisons of LiveKit's rooms with Redis.
    sweep_interval_s: Seconds = 1  #: Between looks at every pool's queue and deadlines.
    match_batch: int = Field(default=20, ge=1, le=100)  #: Pairs made in one step.

    # Safety
    skips: int = Field(
        default=10, ge=1, le=1_000
    )  #: So many skips within `skip_window_s` lead to a cooldown.
    skip_window_s: Seconds = 60  #: See `skips`.
    skip_cooldowns_s: tuple[Seconds, ...] = Field(
        default=(60, 300, 900), min_length=1
    )  #: No skip for so long: the first time, the next time, and so on.
    conversation_s: Seconds = 60  #: Who has talked for so long begins anew with the first cooldown.
    partners_kept: int = Field(default=10, ge=1, le=100)  #: Past matches that may be blocked or reported.
    partners_memory_s: Seconds = 86_400  #: For how long they may.
    block_memory_s: LongSeconds = (
        31_536_000  #: A block lasts, after the last one that either of the two made.
    )
    reporters: int = Field(default=3, ge=1, le=100)  #: So many people's reports suspend somebody.
    report_window_s: Seconds = 86_400  #: Within so long.
    suspension_s: LongSeconds = 86_400  #: A suspension lasts, unless a moderator ends it.
    ban_s: LongSeconds = 2_592_000  #: A ban lasts, unless the moderator says otherwise.
    report_memory_s: LongSeconds = 7_776_000  #: A report is kept for the moderators.

    # Streams
    heartbeat_interval_s: Seconds = 15  #: Between `heartbeat` events.
    presence_interval_s: Seconds = 3  #: Between signs of life of open streams.
    queue_update_interval_s: Seconds = 2  #: Between `queue-update` events, at least.
    stream_buffer: int = Field(default=64, ge=1, le=10_000)  #: Events that may wait for a slow reader.
    stream_ping_interval_s: Seconds = 5  #: Between comment lines, which find out that a client is gone.
    stream_send_timeout_s: Seconds = 10  #: For a client to take what it was sent.
    stream_drain_s: float = Field(default=5, gt=0, le=6)  #: A stopping process sends its streams elsewhere.
    poll_wait_s: float = Field(default=25, gt=0, le=30)  #: A poll waits for an event.
    stream_retry_ms: int = Field(default=1_000, ge=1)  #: After which a cut client comes back, about.
    log_length: int = Field(default=256, ge=16, le=10_000)  #: Events kept per user, for resume.
    log_age_s: Seconds = 900  #: How long they are kept.

    # Too much, too many, too slow
    request_timeout_s: Seconds = 10  #: For a client to send a request's head, and again for its body.
    connections_per_address: PositiveInt = (
        4_000  #: Open at once, per process; not those of streams or proxies.
    )
    streams_per_address: PositiveInt = 1_000  #: Open at once, per process; more are refused.
    rate_limits: RateLimitTable = RateLimitTable()  #: Requests of a user, and from an address.

    @field_validator("app_url", "livekit_public_url")
    @classmethod
    def _no_trailing_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @field_validator("pools")
    @classmethod
    def _pool_names(cls, pools: str) -> str:
        if not all(re.fullmatch(POOL_PATTERN, pool) for pool in _split(pools)):
            raise ValueError("each must be up to 32 of a-z, 0-9 and -")
        return pools

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, origins: str) -> str:
        for origin in _split(origins):
            if not (re.fullmatch(_ORIGIN, origin) or re.fullmatch(_LOCAL_ORIGIN, origin)):
                raise ValueError("each must be an origin such as https://app.example")
        return origins

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, proxies: str) -> str:
        try:
            _parse_networks(proxies)
        except ValueError:
            raise ValueError("it should be addresses and networks, with commas between them") from None
        return proxies

    @field_validator("session_secret")
    @classmethod
    def _long_enough(cls, secrets: str) -> str:
        if not _split(secrets) or any(len(secret) < SHORTEST_SECRET for secret in _split(secrets)):
            raise ValueError(f"each of the list should have at least {SHORTEST_SECRET} characters")
        return secrets

    @model_validator(mode="after")
    def _consistent(self) -> "Settings":
        if self.reservation_s <= self.livekit_timeout_s:
            raise ValueError("RESERVATION_S must be more than LIVEKIT_TIMEOUT_S")
        if self.presence_interval_s * 2 > self.unreachable_after_s:
            raise ValueError("UNREACHABLE_AFTER_S must be at least twice PRESENCE_INTERVAL_S")
        if self.presence_interval_s + self.come_back_s > self.unreachable_after_s:
            raise ValueError("UNREACHABLE_AFTER_S must be at least PRESENCE_INTERVAL_S + COME_BACK_S")
        if self.gate in _THIRD_PARTY_GATES and not (self.gate_secret and self.gate_site_key):
            raise ValueError("GATE_SECRET and GATE_SITE_KEY must be set for this GATE")
        return self

    @model_validator(mode="after")
    def _fit_for_production(self) -> "Settings":
        if self.production and (problem := self._unfit()):
            raise ValueError(problem)
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # likewise
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the files of the config directory, the last by name first."""
        files = sorted(_CONFIG_DIR.glob("*.toml"))
        toml = TomlConfigSettingsSource(settings_cls, toml_file=files)
        return (init_settings, env_settings, toml)

    def _unfit(self) -> str | None:
        """What is not fit for production."""
        secrets = [("SESSION_SECRET", secret) for secret in self.session_secrets]
        secrets += [("ADMIN_TOKEN", self.admin_token), ("LIVEKIT_API_SECRET", self.livekit_api_secret)]
        if self.webhook_key[1] != self.livekit_api_secret:
            secrets.append(("LIVEKIT_WEBHOOK_SECRET", self.webhook_key[1]))
        if self.gate in _THIRD_PARTY_GATES:
            secrets.append(("GATE_SECRET", self.gate_secret))
        if self.livekit_api_key == _LIVEKITS_EXAMPLE_KEY:
            return "LIVEKIT_API_KEY is not fit for production: it is LiveKit's own for development"
        if self.gate in _THIRD_PARTY_GATES and _GATES_FOR_TESTS.match(self.gate_secret):
            return "GATE_SECRET is not fit for production: it lets everybody pass"
        if problem := unfit_secret(secrets):
            return problem
        if not self.app_url.startswith("https://"):
            return "APP_URL is not fit for production: it does not begin with https://"
        return None

    @property
    def session_secrets(self) -> list[str]:
        """The first one signs; what any of them has signed is taken."""
        return _split(self.session_secret)

    @property
    def browser_livekit_url(self) -> str:
        """LiveKit's URL for browsers, as ws or wss."""
        url = self.livekit_public_url or self.livekit_url
        return "ws" + url.removeprefix("http") if url.startswith("http") else url

    @property
    def open_pools(self) -> frozenset[str]:
        """Where people may come in; empty: anywhere."""
        return frozenset(_split(self.pools))

    @property
    def allowed_origins(self) -> frozenset[str]:
        """Those of pages elsewhere that may use the service."""
        return frozenset(_split(self.cors_origins))

    @property
    def proxy_networks(self) -> list[IPv4Network | IPv6Network]:
        """Where trusted proxies are; an address is a network of one."""
        return _parse_networks(self.trusted_proxies)

    @property
    def webhook_key(self) -> tuple[str, str]:
        """The key that LiveKit signs webhooks with, and its secret."""
        return (
            self.livekit_webhook_key or self.livekit_api_key,
            self.livekit_webhook_secret or self.livekit_api_secret,
        )

    @property
    def rules(self) -> Rules:
        """What the scripts go by."""
        return Rules(
            pair_cooldown_ms=_ms(self.pair_cooldown_s),
            reservation_ms=_ms(self.reservation_s),
            connect_timeout_ms=_ms(self.connect_timeout_s),
            longest_call_ms=_ms(self.longest_call_s),
            remembered_ms=_ms(self.session_ttl_s),  # no token lives longer
            match_ttl_ms=_ms(self.match_memory_s),
            leave_timeout_ms=_ms(self.leave_timeout_s),
            unreachable_after_ms=_ms(self.unreachable_after_s),
            come_back_ms=_ms(self.come_back_s),
            alone_grace_ms=_ms(self.alone_grace_s),
            stale_after_ms=_ms(self.stale_after_s),
            user_ttl_ms=_ms(self.user_ttl_s),
            skips=self.skips,
            skip_window_ms=_ms(self.skip_window_s),
            skip_cooldowns_ms=tuple(map(_ms, self.skip_cooldowns_s)),
            conversation_ms=_ms(self.conversation_s),
            partners_kept=self.partners_kept,
            partners_ttl_ms=_ms(self.partners_memory_s),
            block_ttl_ms=_ms(self.block_memory_s),
            reporters=self.reporters,
            report_window_ms=_ms(self.report_window_s),
            suspension_ms=_ms(self.suspension_s),
            report_ttl_ms=_ms(self.report_memory_s),
            # A repeat may set out just before the time is over, and be long on its way.
            operation_ttl_ms=max(_SHORTEST_OPERATION_TTL_MS, 2 * _ms(self.redis_command_timeout)),
            room_delete_retry_ms=_ms(self.livekit_timeout_s) + 1_000,
            log_length=self.log_length,
            log_age_ms=_ms(self.log_age_s),
        )


def load() -> Settings:
    """The settings from the environment and the files. Raises SettingsError, which names the wrong one."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(_first_error(error)) from None
    except SourceError as error:  # a table that is not JSON
        raise SettingsError(f"The environment is wrong: {error}") from None
    except ValueError as error:  # a file that is not TOML
        raise SettingsError(f"{_CONFIG_DIR}: {error}") from None


def _parse_networks(text: str) -> list[IPv4Network | IPv6Network]:
    return [ip_network(part) for part in _split(text)]


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _first_error(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    if not first["loc"]:
        return first["msg"].removeprefix("Value error, ")
    setting, *members = map(str, first["loc"])
    name = ".".join([setting.upper(), *members])
    if first["type"] == "missing":
        return f"{name} is not set"
    return f"{name} is wrong: {first['msg'].removeprefix('Value error, ')}"


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
