"""The client as a package: its files, its types, and that the page has no other way to the server."""

import json
import os
import re
from pathlib import Path

import pytest

from dormparty_sse.domain.endings import ENDINGS, Reason
from dormparty_sse.domain.events import EventType
from dormparty_sse.domain.moderation import Offence
from dormparty_sse.domain.states import State
from tests.client.conftest import CLIENT, RunNode
from tests.support.stack import ROOT, Stack

_TSC = ROOT / "node_modules/typescript/bin/tsc"
_HERE = Path(__file__).parent
#: How a page's file would speak to a server.
_WAYS_TO_A_SERVER = re.compile(r"\bfetch\(|EventSource|XMLHttpRequest|sendBeacon|WebSocket|['\"`]/api/")
_MEMBERS = """
    import { DormPartyClient } from './dormparty-client.js';
    import * as module from './dormparty-client.js';
    const names = Object.getOwnPropertyNames(DormPartyClient.prototype);
    console.log(JSON.stringify({ members: names, exports: Object.keys(module) }));
"""


def test_the_package_has_exactly_the_clients_files(run_node: RunNode) -> None:
    packed = json.loads(run_node("pack", "--dry-run", "--json", "--ignore-scripts", npm=True, cwd=CLIENT))
    parts = {f"dormparty-client/{part.name}" for part in (CLIENT / "dormparty-client").iterdir()}
    entry = {"package.json", "dormparty-client.js", "dormparty-client.d.ts"}
    assert {file["path"] for file in packed[0]["files"]} == parts | entry


def test_the_package_needs_no_other(run_node: RunNode) -> None:
    package = json.loads((CLIENT / "package.json").read_text())
    assert not any(kind.endswith("ependencies") for kind in package)
    for file in (CLIENT / "dormparty-client.js", *(CLIENT / "dormparty-client").iterdir()):
        for imported in re.findall(r"^(?:import|export)\b.* from '(.+)';", file.read_text(), re.MULTILINE):
            assert imported.startswith("./")
    name = run_node("--input-type=module", "--eval", _IMPORT_BY_NAME, cwd=CLIENT)
    assert name.strip() == "DormPartyClient"


_IMPORT_BY_NAME = "console.log((await import('dormparty-client')).DormPartyClient.name)"


def test_the_types_are_strict_and_those_of_the_class(run_node: RunNode) -> None:
    if not _TSC.exists() and "CI" not in os.environ:
        pytest.skip("no TypeScript: npm ci brings it")
    run_node(_TSC, "--project", _HERE / "tsconfig.json")


def test_the_types_name_the_members_that_there_are(run_node: RunNode) -> None:
    there_are = json.loads(run_node("--input-type=module", "--eval", _MEMBERS, cwd=CLIENT))
    types = (CLIENT / "dormparty-client.d.ts").read_text()
    declared = re.search(r"^export class DormPartyClient .*?{$(.*?)^}", types, re.MULTILINE | re.DOTALL)
    assert declared
    named = set(re.findall(r"^  (?:get )?(\w+)(?=[(<])", declared[1], re.MULTILINE))
    inherited = {"addEventListener", "removeEventListener"}
    assert named - inherited == set(there_are["members"])
    assert set(re.findall(r"^export class (\w+)", types, re.MULTILINE)) == set(there_are["exports"])


def test_the_types_know_every_event_state_and_reason() -> None:
    types = (CLIENT / "dormparty-client.d.ts").read_text()
    events = re.search(r"EventMap {$(.*?)^}", types, re.MULTILINE | re.DOTALL)
    assert events
    named = set(re.findall(r"^  '?([\w-]+)'?: \w+Event\b", events[1], re.MULTILINE))
    assert named - {"snapshot", "stream", "banned"} == set(EventType)
    assert union(types, "State") == set(State)
    assert union(types, "EndReason") == set(Reason)
    partners = {ending.others_see for ending in ENDINGS.values()}
    assert union(types, "Offence") == set(Offence)
    assert union(types, "PartnerEndReason") | union(types, "EndReason") >= partners


def union(types: str, name: str) -> set[str]:
    """The words of a type that is one of several."""
    found = re.search(rf"^export type {name} =(.*?);", types, re.MULTILINE | re.DOTALL)
    assert found, name
    return set(re.findall(r"'([\w-]+)'", found[1]))


def test_the_page_speaks_to_the_server_through_the_client_alone() -> None:
    others = ("dormparty-client.js", "docs.js")  # the latter is of another page
    files = [file for file in CLIENT.glob("*.js") if file.name not in others]
    assert CLIENT / "app.js" in files
    for file in files:
        assert not _WAYS_TO_A_SERVER.findall(file.read_text()), file.name


async def test_browsers_get_the_client_as_what_it_is(stack: Stack) -> None:
    types = {
        "dormparty-client.js": "text/javascript",
        "dormparty-client/connection.js": "text/javascript",
        "dormparty-client.d.ts": "application/typescript",
        "package.json": "application/json",
    }
    for path, content_type in types.items():
        async with stack.http.get(f"{stack.url}/static/{path}") as answer:
            assert (answer.status, answer.content_type) == (200, content_type)
