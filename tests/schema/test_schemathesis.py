"""schemathesis asks the running service whatever its schema allows, and what it does not."""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from tests.support.person import Person, person
from tests.support.stack import ROOT, SECRET, clean_stack

pytestmark = pytest.mark.busy

_CASES = re.compile(r"Test cases:\s+(?P<generated>[\d,]+) generated")
_FEWEST = 2_000

_CONFIG = """\
seed = 1
continue-on-failure = true

[generation]
deterministic = true
max-examples = 25
database = "none"

[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "409", "413", "414", "422", "431"]

[auth.openapi.session]
bearer = "{session}"

[auth.openapi.sessionCookie]
api_key = "{session}"

[auth.openapi.admin]
bearer = "{admin}"
"""


@pytest.mark.timeout(300)
async def test_the_service_does_as_its_schema_says(directory: Path) -> None:
    async with (
        clean_stack(directory, POLL_WAIT_S="0.05") as stack,
        person(stack.url, "main") as someone,
        person(stack.url, "main") as another,
    ):
        config = directory / "schemathesis.toml"
        config.write_text(_CONFIG.format(session=someone.token, admin=SECRET))
        said = await run(f"{stack.url}/api/openapi.json", config, someone, another)
    print(said)
    found = _CASES.search(said)
    assert found, said
    assert int(found["generated"].replace(",", "")) >= _FEWEST


async def run(url: str, config: Path, someone: Person, another: Person) -> str:
    """What it says, with all checks on. Whatever it finds is a failure."""
    options = [
        "run",
        url,
        "--checks=all",
        "--no-color",
        "--workers=1",
        "--warnings=off",
        "--request-timeout=5",
    ]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "schemathesis.cli",
        f"--config-file={config}",
        *options,
        cwd=config.parent,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.schema.hooks",
            "SCHEMA_TOKEN": someone.token,
            "SCHEMA_ANOTHER_TOKEN": another.token,
            "SCHEMA_USER": f"{someone.user_id} {someone.pool}",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()
