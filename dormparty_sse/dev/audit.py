"""`make audit`: has anything that the lock files name a known hole? Asks PyPI and the npm registry.

pip-audit itself finds nothing amiss where nobody could tell it anything; here that is no clean result.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dormparty_sse.dev.errors import DevError
from dormparty_sse.dev.node import Node, node
from dormparty_sse.dev.places import ROOT, from_checkout

_TIMEOUT_S = 300
_PIP_AUDIT: list[str | Path] = [
    *(sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip"),
    *("--progress-spinner=off", "--format=json"),
]
_NPM_FOLDERS = (".", "tests/foreign")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is known of one lock file."""

    holes: Sequence[str] = ()
    unknown: str = ""  #: Why it is not known, or not of all packages; empty if it is.

    @property
    def status(self) -> int:
        """As an exit status: 1 for holes, 2 where it is not known whether there are any."""
        return 1 if self.holes else 2 if self.unknown else 0


def of_pip_audit(said: str) -> Finding:
    """What pip-audit's JSON says. Raises ValueError if it is none."""
    packages = _members(json.loads(said), "dependencies")
    holes = [
        f"{package['name']} {package['version']}: {hole['id']}, mended in "
        f"{' or '.join(hole['fix_versions']) or 'no version yet'}"
        for package in packages
        for hole in package.get("vulns", [])
    ]
    skipped = [package for package in packages if "skip_reason" in package]
    why = f"{len(skipped)} of {len(packages)}: {skipped[0]['skip_reason']}" if skipped else ""
    return Finding(holes=holes, unknown=why)


def of_npm_audit(said: str) -> Finding:
    """What npm's JSON says. Raises ValueError if it is none."""
    answer = json.loads(said)
    if "vulnerabilities" not in answer:
        return Finding(unknown=str(answer.get("message") or answer.get("error") or "npm says nothing"))
    return Finding(
        holes=[
            f"{name} {package['range']}: {package['severity']}"
            for name, package in answer["vulnerabilities"].items()
        ]
    )


def _members(answer: Any, name: str) -> list[dict[str, Any]]:
    if not isinstance(answer, dict) or not isinstance(answer.get(name), list):
        raise ValueError(f"no {name}")  # noqa: TRY004  # what a program says, not of which type our value is
    members: list[dict[str, Any]] = answer[name]
    return members


def _findings(npm: Node) -> Iterator[tuple[Path, Finding]]:
    for lock in sorted(from_checkout("requirements").rglob("*.txt")):
        yield lock, _asked([*_PIP_AUDIT, "--requirement", lock], of_pip_audit)
    for folder in _NPM_FOLDERS:
        lock = from_checkout(f"{folder}/package-lock.json")
        command = [*npm.npm, "audit", "--json", "--package-lock-only"]
        yield lock, _asked(command, of_npm_audit, cwd=lock.parent, env=npm.env)


def _asked(
    command: Sequence[str | Path], read: Any, *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Finding:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    try:
        finding: Finding = read(done.stdout)
    except ValueError:
        *_, last = ["it says nothing", *done.stderr.strip().splitlines()]
        return Finding(unknown=last)
    return finding


def main() -> int:
    """Prints what is known of each lock file. The exit status is the worst: 1 for a hole, 2 if unknown."""
    statuses = set()
    try:
        with node() as found:
            for lock, finding in _findings(found):
                statuses.add(finding.status)
                name = lock.relative_to(ROOT)
                for hole in finding.holes:
                    print(f"{name}: {hole}", flush=True)
                if finding.unknown:
                    print(f"{name}: COULD NOT ASK: {finding.unknown}", flush=True)
                if not finding.status:
                    print(f"{name}: no known holes", flush=True)
    except (DevError, OSError, subprocess.SubprocessError) as error:
        print(f"COULD NOT ASK: {error}", file=sys.stderr)
        statuses.add(2)
    return 1 if 1 in statuses else max(statuses)


if __name__ == "__main__":
    sys.exit(main())
