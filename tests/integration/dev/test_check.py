"""`dormparty-sse check`: a line for each part, and what to change where it fails."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dormparty_sse.dev.network import free_port
from tests.integration.dev.running import Dev, run, running_dev


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    with running_dev(tmp_path_factory.mktemp("dev")) as running:
        yield running


def check(dev: Dev, **changed: str) -> tuple[int, dict[str, str]]:
    """(exit status, verdict and text by part) of a check with settings other than the running service's."""
    service = (Path("/proc") / str(dev.pid_of("dormparty_sse serve")) / "environ").read_text()
    settings = dict(line.split("=", 1) for line in service.split("\0") if line)
    done = run("check", env={**settings, **changed})
    assert done.stderr == ""
    lines = {line.split()[1]: line for line in done.stdout.splitlines()}
    return done.returncode, lines


def test_all_is_well_in_dev(dev: Dev) -> None:
    done = run("check", "--dev", env=dev.env)
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["ok", part] for part in ("settings", "redis", "livekit", "service", "webhooks")
    ]


def test_a_wrong_setting_is_named(dev: Dev) -> None:
    status, lines = check(dev, SESSION_SECRET="short")
    assert status == 2
    assert lines["settings"].startswith("FAIL settings SESSION_SECRET is wrong")


def test_redis_away(dev: Dev) -> None:
    status, lines = check(dev, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    assert status == 1
    assert lines["redis"].startswith("FAIL")
    assert "REDIS_URL" in lines["redis"]
    assert lines["livekit"].startswith("ok")


def test_livekit_away(dev: Dev) -> None:
    status, lines = check(dev, LIVEKIT_URL=f"ws://127.0.0.1:{free_port()}")
    assert status == 1
    assert lines["livekit"].startswith("FAIL")
    assert "change LIVEKIT_URL" in lines["livekit"]


def test_a_wrong_livekit_key(dev: Dev) -> None:
    status, lines = check(dev, LIVEKIT_API_SECRET="x" * 40)
    assert status == 1
    assert "answers 401: LIVEKIT_API_KEY and LIVEKIT_API_SECRET" in lines["livekit"]


def test_the_service_away(dev: Dev) -> None:
    status, lines = check(dev, APP_URL=f"http://127.0.0.1:{free_port()}")
    assert status == 1
    assert lines["service"].startswith("FAIL")
    assert "APP_URL" in lines["service"]
    assert lines["webhooks"].startswith("FAIL webhooks not tried")


def test_webhooks_that_do_not_arrive(dev: Dev) -> None:
    """The check looks into another database than the one the service notes the webhook in."""
    status, lines = check(dev, REDIS_URL=f"redis://127.0.0.1:{dev.env['REDIS_PORT']}/1")
    assert status == 1
    assert lines["service"].startswith("ok")
    assert "none arrived" in lines["webhooks"]
    assert f"{dev.url}/api/livekit/webhooks" in lines["webhooks"]
