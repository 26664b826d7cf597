"""In production mode nothing starts with a secret that somebody could know."""

import re
import secrets
import string
from base64 import urlsafe_b64encode
from random import Random

import pytest

from dormparty_sse import settings
from dormparty_sse.domain.errors import SettingsError
from dormparty_sse.domain.strength import unfit_secret
from dormparty_sse.settings import Settings
from tests.support.stack import KEY, SECRET
from tests.unit.test_settings import REQUIRED, serve

GOOD = {
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "LIVEKIT_URL": "ws://127.0.0.1:2",
    "LIVEKIT_API_KEY": "APIkey1",
    "LIVEKIT_API_SECRET": secrets.token_urlsafe(32),
    "SESSION_SECRET": f"{secrets.token_hex(16)},{secrets.token_urlsafe(32)}",
    "ADMIN_TOKEN": secrets.token_urlsafe(32),
    "APP_URL": "https://party.example",
    "PRODUCTION": "true",
}
SECRET_NAMES = ("SESSION_SECRET", "ADMIN_TOKEN", "LIVEKIT_API_SECRET", "LIVEKIT_WEBHOOK_SECRET")
TAKES_ANY_TEXT = {
    "LIVEKIT_WEBHOOK_KEY",
    "LIVEKIT_API_KEY",
    "LIVEKIT_PUBLIC_URL",
    "GATE_SITE_KEY",
    "GATE_SECRET",
    "HOST",
}
WEAK = [
    "short",
    "x" * 40,
    "ab" * 20,
    "0123456789abcdef" * 2,
    string.ascii_letters,
    string.ascii_lowercase + string.digits,
    "secret" * 8,
    "devkey-7f3a91c04be25d68a1f0c3e97b24d865",
    "change-me-7f3a91c04be25d68a1f0c3e97b24d865",
    SECRET,
    KEY.secret,
    *(value for name, value in REQUIRED.items() if name in SECRET_NAMES),
]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def refusal(monkeypatch: pytest.MonkeyPatch, **changed: str) -> str:
    """What is said of the settings, with these changed; never one of their values."""
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        settings.load()
    said = str(refused.value)
    assert "\n" not in said
    for value in (*GOOD.values(), *changed.values()):
        if len(value) > 4:
            assert value not in said
    return said


def test_good_settings_are_taken() -> None:
    assert settings.load().production


@pytest.mark.parametrize("name", SECRET_NAMES)
@pytest.mark.parametrize("weak", WEAK)
def test_a_weak_secret_is_named_and_not_told(name: str, weak: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = refusal(monkeypatch, **{name: weak})
    assert re.match(rf"{name} is (not fit for production|wrong): ", said)


def test_each_of_the_session_secrets_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    good = secrets.token_urlsafe(32)
    assert refusal(monkeypatch, SESSION_SECRET=f"{good},{SECRET}").startswith("SESSION_SECRET is not fit")
    assert refusal(monkeypatch, SESSION_SECRET=f"{good},{good}").startswith("SESSION_SECRET is not fit")
    assert refusal(monkeypatch, SESSION_SECRET=f"{good},short").startswith("SESSION_SECRET is wrong: ")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ADMIN_TOKEN", "SESSION_SECRET"),
        ("LIVEKIT_API_SECRET", "SESSION_SECRET"),
        ("LIVEKIT_API_SECRET", "ADMIN_TOKEN"),
        ("LIVEKIT_WEBHOOK_SECRET", "SESSION_SECRET"),
        ("GATE_SECRET", "ADMIN_TOKEN"),
    ],
)
def test_no_secret_serves_twice(one: str, other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    same = secrets.token_urlsafe(32)
    monkeypatch.setenv("GATE", "turnstile")
    monkeypatch.setenv("GATE_SITE_KEY", "site-key")
    monkeypatch.setenv("GATE_SECRET", secrets.token_urlsafe(32))
    said = refusal(monkeypatch, **{one: same, other: same})
    assert said.startswith(f"{one} is not fit for production: ")
    assert other in said


@pytest.mark.parametrize("url", ["", "http://party.example"])
def test_people_come_by_https(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(monkeypatch, APP_URL=url).startswith("APP_URL is not fit for production: ")


def test_livekits_own_key_for_development_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(monkeypatch, LIVEKIT_API_KEY="devkey").startswith("LIVEKIT_API_KEY is not fit")


@pytest.mark.parametrize("secret", ["1x0000000000000000000000000000000AA", f"0x{'0' * 40}"])
def test_a_gate_that_lets_everybody_pass_is_refused(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    refused = refusal(monkeypatch, GATE="turnstile", GATE_SITE_KEY="site-key", GATE_SECRET=secret)
    assert refused == "GATE_SECRET is not fit for production: it lets everybody pass"


@pytest.mark.parametrize("gate", ["turnstile", "hcaptcha"])
def test_a_gates_secret_that_can_be_guessed_is_refused(monkeypatch: pytest.MonkeyPatch, gate: str) -> None:
    refused = refusal(monkeypatch, GATE=gate, GATE_SITE_KEY="site-key", GATE_SECRET="sesame")
    assert refused.startswith("GATE_SECRET is not fit for production: it has fewer than 32")


def test_a_list_of_no_secrets_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(monkeypatch, SESSION_SECRET="," * 40).startswith("SESSION_SECRET is wrong")


def test_random_secrets_are_fit() -> None:
    """Always the same ones; a rule that refuses one of 10,000 would refuse one of these."""
    random = Random(7)  # noqa: S311  # secrets to nothing
    for _ in range(20_000):
        for text in (random.randbytes(16).hex(), urlsafe_b64encode(random.randbytes(24)).decode()):
            assert unfit_secret([("SESSION_SECRET", text)]) is None, text


def test_nothing_is_asked_of_secrets_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PRODUCTION")
    for name in SECRET_NAMES:
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("APP_URL", "")
    assert not settings.load().production


def test_the_start_is_refused_with_one_line() -> None:
    ended = serve(**{**GOOD, "ADMIN_TOKEN": SECRET})
    assert ended.returncode == 2
    assert ended.stderr.startswith("ADMIN_TOKEN is not fit for production: ")
    assert ended.stderr.count("\n") == 1
    assert SECRET not in ended.stderr + ended.stdout


@pytest.mark.parametrize("name", sorted({name.upper() for name in Settings.model_fields} - TAKES_ANY_TEXT))
def test_no_error_tells_a_secret(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever setting is wrong, and whichever a secret has got into by mistake."""
    refusal(monkeypatch, **{name: "short" if name in SECRET_NAMES else secrets.token_urlsafe(32)})
