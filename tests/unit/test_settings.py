"""Settings: where they come from, and what is said when one is missing or wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from limits import parse

from dormparty_sse import settings
from dormparty_sse.domain.errors import SettingsError
from dormparty_sse.domain.rules import Rules
from dormparty_sse.limits_table import RateLimitTable
from dormparty_sse.settings import Settings

REQUIRED = {
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "LIVEKIT_URL": "ws://127.0.0.1:2",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "an-api-secret-that-is-long-enough",
    "SESSION_SECRET": "a-session-secret-that-is-long-enough",
    "ADMIN_TOKEN": "an-admin-token-that-is-long-enough",
}


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Only the required settings in the environment; the config directory, empty."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    directory = tmp_path / "config"
    directory.mkdir()
    return directory


def refusal() -> str:
    """What is said of the settings there are."""
    with pytest.raises(SettingsError) as refused:
        settings.load()
    return str(refused.value)


def test_the_required_settings_are_enough() -> None:
    loaded = settings.load()
    assert loaded.redis_url == REQUIRED["REDIS_URL"]
    assert loaded.port == 8080
    assert loaded.webhook_key == (loaded.livekit_api_key, loaded.livekit_api_secret)
    assert loaded.browser_livekit_url == "ws://127.0.0.1:2"


def test_the_defaults_are_the_rules_defaults() -> None:
    assert settings.load().rules == Rules()


@pytest.mark.parametrize(("timeout_s", "kept_ms"), [("0.5", 10_000), ("60", 120_000), ("86400", 172_800_000)])
def test_an_answer_is_kept_for_as_long_as_its_command_may_be_repeated(
    monkeypatch: pytest.MonkeyPatch, timeout_s: str, kept_ms: int
) -> None:
    monkeypatch.setenv("REDIS_COMMAND_TIMEOUT", timeout_s)
    assert settings.load().rules.operation_ttl_ms == kept_ms


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_setting_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name)
    assert refusal() == f"{name} is not set"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", ""),
        ("REDIS_URL", "http://127.0.0.1"),
        ("LIVEKIT_URL", "127.0.0.1:7880"),
        ("LIVEKIT_API_KEY", ""),
        ("LIVEKIT_API_SECRET", "short"),
        ("SESSION_SECRET", "short"),
        ("ADMIN_TOKEN", ""),
        ("PORT", "http"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("WEB_CONCURRENCY", "0"),
        ("WEB_CONCURRENCY", "1.5"),
        ("LOG_LEVEL", "LOUD"),
        ("LOG_FORMAT", "xml"),
        ("REDIS_COMMAND_TIMEOUT", "0"),
        ("PAIR_COOLDOWN_S", "-1"),
        ("CONNECT_TIMEOUT_S", "soon"),
        ("SESSION_TTL_S", "inf"),
        ("HEARTBEAT_INTERVAL_S", "nan"),
        ("STREAM_BUFFER", "0"),
        ("LOG_LENGTH", "1"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    said = refusal()
    assert said.startswith(f"{name} is wrong: ")
    assert "\n" not in said
    if "SECRET" in name or "TOKEN" in name:
        assert value not in said.removeprefix(name) or not value


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"RESERVATION_S": "3", "LIVEKIT_TIMEOUT_S": "3"}, "RESERVATION_S"),
        ({"PRESENCE_INTERVAL_S": "6", "UNREACHABLE_AFTER_S": "10"}, "UNREACHABLE_AFTER_S"),
    ],
)
def test_settings_that_do_not_go_together_are_named(
    changed: dict[str, str], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    said = refusal()
    assert said.startswith(named)
    assert "\n" not in said


def test_the_environment_wins_over_files(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (config / "default.toml").write_text('port = 1000\nlog_level = "DEBUG"\n')
    monkeypatch.setenv("PORT", "2000")
    loaded = settings.load()
    assert (loaded.port, loaded.log_level) == (2000, "DEBUG")


def test_the_last_file_by_name_wins(config: Path) -> None:
    (config / "default.toml").write_text('port = 1000\nhost = "0.0.0.0"\n')
    (config / "local.toml").write_text("port = 2000\n")
    loaded = settings.load()
    assert (loaded.port, loaded.host) == (2000, "0.0.0.0")  # noqa: S104  # nothing listens there


def test_a_missing_setting_may_be_in_a_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL")
    (config / "local.toml").write_text('redis_url = "rediss://example"\n')
    assert settings.load().redis_url == "rediss://example"


def test_a_wrong_value_in_a_file_is_named(config: Path) -> None:
    (config / "local.toml").write_text('stream_buffer = "many"\n')
    assert refusal().startswith("STREAM_BUFFER is wrong: ")


def test_a_file_that_is_not_toml_is_refused_in_one_line(config: Path) -> None:
    (config / "local.toml").write_text("port: 1000\n")
    said = refusal()
    assert said.startswith("config: ")
    assert "\n" not in said


def test_the_app_url_has_two_names_and_no_slash_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXT_PUBLIC_APP_URL", "https://party.example/")
    assert settings.load().app_url == "https://party.example"
    monkeypatch.setenv("APP_URL", "https://other.example")
    assert settings.load().app_url == "https://other.example"


@pytest.mark.parametrize(
    ("url", "public", "for_browsers"),
    [
        ("http://livekit:7880", "", "ws://livekit:7880"),
        ("https://livekit", "", "wss://livekit"),
        ("wss://livekit", "", "wss://livekit"),
        ("ws://livekit:7880", "wss://livekit.example/", "wss://livekit.example"),
    ],
)
def test_browsers_get_livekits_url_as_they_need_it(
    url: str, public: str, for_browsers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEKIT_URL", url)
    monkeypatch.setenv("LIVEKIT_PUBLIC_URL", public)
    assert settings.load().browser_livekit_url == for_browsers


def test_secrets_are_not_shown_with_the_settings() -> None:
    shown = repr(settings.load())
    for name in ("LIVEKIT_API_SECRET", "SESSION_SECRET", "ADMIN_TOKEN"):
        assert REQUIRED[name] not in shown


def serve(**env: str) -> subprocess.CompletedProcess[str]:
    """`dormparty-sse serve` with nothing but these settings."""
    return subprocess.run(
        [sys.executable, "-m", "dormparty_sse", "serve"],
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_wrong_setting_stops_the_start_with_one_line() -> None:
    ended = serve(**{**REQUIRED, "PORT": "http"})
    assert ended.returncode == 2
    assert ended.stderr.startswith("PORT is wrong: ")
    assert ended.stderr.count("\n") == 1
    assert ended.stdout == ""


def test_another_config_directory_may_be_named(tmp_path: Path) -> None:
    directory = tmp_path / "other config"
    directory.mkdir()
    (directory / "any.toml").write_text("port = 70000\n")
    ended = serve(**REQUIRED, DORMPARTY_CONFIG_DIR=str(directory))
    assert ended.returncode == 2
    assert ended.stderr.startswith("PORT is wrong: ")


def test_trusted_proxies_are_addresses_and_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.load().proxy_networks == []
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.1, 192.168.0.0/16,2001:db8::/32,")
    assert [str(network) for network in settings.load().proxy_networks] == [
        "10.0.0.1/32",
        "192.168.0.0/16",
        "2001:db8::/32",
    ]


def test_limits_named_in_the_environment_leave_those_of_the_file_and_the_others(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (config / "local.toml").write_text('[rate_limits]\nactions_user = "1/second"\nsession_user = "2/hour"\n')
    monkeypatch.setenv("RATE_LIMITS", '{"actions_user": "3 per 10 minutes"}')
    limits = settings.load().rate_limits.limits()
    assert (limits["actions_user"].amount, limits["actions_user"].get_expiry()) == (3, 600)
    assert (limits["session_user"].amount, limits["session_user"].get_expiry()) == (2, 3600)
    assert limits["actions_address"] == parse(RateLimitTable().actions_address)


@pytest.mark.parametrize(
    "limit", ["often", "10", "10/fortnight", "0/minute", "-1/minute", "1/minute;2/hour", "", "5/minute x"]
)
def test_a_limit_that_is_none_is_named(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE_LIMITS", json.dumps({"actions_user": limit}))
    said = refusal()
    assert said.startswith("RATE_LIMITS.actions_user is wrong: ")
    assert "\n" not in said


def test_a_limit_that_there_is_not_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE_LIMITS", '{"nonsense_user": "1/minute"}')
    assert refusal().startswith("RATE_LIMITS.nonsense_user is wrong: ")


def test_limits_that_are_not_json_are_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE_LIMITS", "actions_user=1/minute")
    said = refusal()
    assert said.startswith("The environment is wrong: ")
    assert "rate_limits" in said
    assert "\n" not in said


@pytest.mark.parametrize("proxies", ["proxy.example", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.1 10.0.0.2", "*"])
def test_a_trusted_proxy_that_is_no_address_is_refused(monkeypatch: pytest.MonkeyPatch, proxies: str) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", proxies)
    assert refusal().startswith("TRUSTED_PROXIES is wrong: ")
