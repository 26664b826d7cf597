"""The page has words for everything that can happen to somebody without having asked for it."""

import re
from pathlib import Path

import pytest

import dormparty_sse
from dormparty_sse.domain.endings import ENDINGS, Reason
from dormparty_sse.domain.events import EventType
from dormparty_sse.domain.states import State

PACKAGE = Path(dormparty_sse.__file__).parent
WORDS = (PACKAGE / "web" / "static" / "words.js").read_text()
ASKED_FOR = {"cancel", "leave"}  # ways out of the queue that need no words

FORCED = [reason for reason in Reason if ENDINGS[reason].leavers_get is EventType.FORCE_DISCONNECT]


def table(name: str) -> dict[str, str]:
    """An object of the JavaScript that has only strings in it."""
    found = re.search(rf"^const {name} = {{\n(.*?)^}};", WORDS, re.MULTILINE | re.DOTALL)
    assert found, name
    lines = found[1].splitlines()
    entries = [re.fullmatch(r"  '?([\w-]+)'?: '(.+)',", line) for line in lines]
    assert all(entries), lines
    return {entry[1]: entry[2] for entry in entries if entry}


def idle_words() -> set[str]:
    """The reasons for which `idleWords` says something."""
    found = re.search(r"^export function idleWords\(reason\) {\n(.*?)^}", WORDS, re.MULTILINE | re.DOTALL)
    assert found
    return set(re.findall(r"if \(reason === '([\w-]+)'\) return '[^']+';", found[1]))


def ways_out_of_the_queue() -> set[str]:
    """Every reason the scripts give for taking somebody out of the queue, where there was no match."""
    scripts = [path.read_text() for path in (PACKAGE / "store" / "lua").rglob("*.lua")]
    calls = [call for text in scripts for call in re.findall(r"\b(?:leave_queue|go_idle)\((.*)\)", text)]
    return {reason for call in calls for reason in re.findall(r"'([\w-]+)'", call)}


@pytest.mark.parametrize("reason", Reason)
def test_partners_read_what_happened(reason: Reason) -> None:
    assert ENDINGS[reason].others_see in table("ENDINGS")


@pytest.mark.parametrize("reason", FORCED)
def test_leavers_who_did_not_ask_for_it_read_what_happened_to_them(reason: Reason) -> None:
    words = {**table("ENDINGS"), **table("OWN_ENDINGS")}[reason]
    assert "partner" not in words.lower()
    if ENDINGS[reason].leavers_to is State.IDLE:
        assert reason in table("OWN_ENDINGS")


def test_who_is_taken_out_of_the_queue_reads_why() -> None:
    reasons = ways_out_of_the_queue()
    assert {"stale", *ASKED_FOR} <= reasons
    assert reasons - ASKED_FOR <= idle_words()
