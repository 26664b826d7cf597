"""What is known of the locked packages, and that not knowing is no clean result."""

import json

import pytest

from dormparty_sse.dev.audit import of_npm_audit, of_pip_audit


def test_no_holes() -> None:
    said = {"dependencies": [{"name": "aiohttp", "version": "3.14.5", "vulns": []}], "fixes": []}
    assert of_pip_audit(json.dumps(said)).status == 0
    assert of_npm_audit('{"auditReportVersion": 2, "vulnerabilities": {}}').status == 0


def test_holes_are_named_with_what_mends_them() -> None:
    hole = {"id": "GHSA-x", "fix_versions": ["3.9.2", "4.0"], "aliases": [], "description": ""}
    said = {"dependencies": [{"name": "aiohttp", "version": "3.9.0", "vulns": [hole]}]}
    finding = of_pip_audit(json.dumps(said))
    assert finding.holes == ["aiohttp 3.9.0: GHSA-x, mended in 3.9.2 or 4.0"]
    assert finding.status == 1


def test_holes_of_npm_packages_are_named() -> None:
    said = {"vulnerabilities": {"ws": {"severity": "high", "range": "<8.17.1", "via": []}}}
    finding = of_npm_audit(json.dumps(said))
    assert finding.holes == ["ws <8.17.1: high"]
    assert finding.status == 1


def test_a_package_that_nobody_knows_of_is_not_clean() -> None:
    known = {"name": "a", "version": "1", "vulns": []}
    said = {"dependencies": [known, {"name": "b", "skip_reason": "not found on PyPI"}]}
    finding = of_pip_audit(json.dumps(said))
    assert (finding.status, finding.unknown) == (2, "1 of 2: not found on PyPI")


def test_a_registry_that_does_not_answer_is_not_clean() -> None:
    finding = of_npm_audit('{"message": "405 Method Not Allowed", "statusCode": 405}')
    assert (finding.status, finding.unknown) == (2, "405 Method Not Allowed")


@pytest.mark.parametrize("said", ["", "no JSON", "[]"])
def test_nonsense_is_no_answer(said: str) -> None:
    with pytest.raises(ValueError, match=r"Expecting value|no dependencies"):
        of_pip_audit(said)
