"""The Lua scripts: each says what it is for, and has Python's definitions before it."""

import re
import subprocess
import sys
from dataclasses import asdict

import pytest

from dormparty_sse.domain.actions import ACTIONS
from dormparty_sse.domain.endings import ENDINGS
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.domain.rules import Rules
from dormparty_sse.domain.states import TRANSITIONS, State
from dormparty_sse.store.keys import POOL_KEYS, pool_key
from dormparty_sse.store.scripts import prelude, script_names, script_text
from tests.support.stack import ROOT

LUA = ROOT / "dormparty_sse/store/lua"
EVERY_SCRIPT = pytest.mark.parametrize("name", script_names())

_AFTER_KEYS = re.compile(r"(?P<argv>(    ARGV.+\n(     .+\n)*)*)  Returns: .+(\n.+)*\n  Events: .+(\n.+)*\n")
_EVENT = re.compile(r"emit\([\w.]+, '([a-z-]+)'")


def header(name: str) -> str:
    """The comment that a script opens with."""
    text = (LUA / f"{name}.lua").read_text()
    assert text.startswith("--[[\n")
    return text[5 : text.index("]]")]


def literal(name: str) -> str:
    """The line of the prelude that defines a table."""
    (line,) = (line for line in prelude(Rules()).splitlines() if line.startswith(f"local {name} = "))
    return line


@EVERY_SCRIPT
def test_a_script_opens_with_what_it_takes_returns_and_tells(name: str) -> None:
    what, of_what, rest = re.split(
        r"    KEYS\[1\]  (the pool's hash tag|the key of the device's bar)\n", header(name)
    )
    assert what.strip()
    assert name.startswith("device_") == ("device" in of_what)
    parts = re.fullmatch(
        r"(?P<argv>(    ARGV.+\n(     .+\n)*)*)  Returns: .+(\n.+)*\n  Events: .+(\n.+)*\n", rest
    )
    assert parts, rest
    used = set(re.findall(r"ARGV\[(\d)\]", (LUA / f"{name}.lua").read_text().partition("]]")[2]))
    named = set(re.findall(r"ARGV\[(\d)\]", parts["argv"]))
    assert used <= named or "    ARGV     " in parts["argv"]


@EVERY_SCRIPT
def test_a_script_names_the_outcomes_it_returns(name: str) -> None:
    text = (LUA / f"{name}.lua").read_text()
    returns = header(name).partition("  Returns: ")[2].partition("  Events: ")[0]
    for outcome in re.findall(r"OUTCOME\.(\w+)", text):
        assert Outcome[outcome] in returns


@EVERY_SCRIPT
def test_a_script_names_the_events_that_it_emits_itself(name: str) -> None:
    text = (LUA / f"{name}.lua").read_text()
    events = header(name).partition("  Events: ")[2]
    for event in _EVENT.findall(text):
        assert event in events


@EVERY_SCRIPT
def test_a_script_that_tells_events_answers_a_repetition_as_before(name: str) -> None:
    tells_none = header(name).partition("  Events: ")[2].startswith("none")
    assert tells_none or "\n-- @include once\n" in (LUA / f"{name}.lua").read_text()


@EVERY_SCRIPT
def test_each_include_comes_once_and_before_the_script(name: str) -> None:
    text = script_text(name, Rules())
    assert text.startswith("local POOL = KEYS[1]\n")
    assert text.endswith((LUA / f"{name}.lua").read_text())
    for include in re.findall(r"^-- @include (\w+)$", text, re.MULTILINE):
        included = (LUA / "includes" / f"{include}.lua").read_text()
        assert text.count(included) == 1
        assert text.index(included) < text.index((LUA / f"{name}.lua").read_text())


@EVERY_SCRIPT
def test_a_script_has_every_definition_it_uses_and_no_other(name: str) -> None:
    text = script_text(name, Rules())
    definitions, _, rest = text.partition("--[[")
    for table in ("RULES", "OUTCOME", "KEY"):
        used = set(re.findall(rf"\b{table}\.(\w+)", rest))
        if table == "KEY":
            used |= {state.lower() for state in State} if "STATE_SETS" in rest else set()
            defined = set(re.findall(r"^  (\w+) = function", definitions, re.MULTILINE))
        else:
            (line,) = re.findall(rf"^local {table} = .*$", definitions, re.MULTILINE) or [""]
            defined = set(re.findall(r"\['(\w+)'\]", line))
        assert used <= defined
    for table in ("TRANSITIONS", "STATE_SETS", "ENDINGS", "ACTIONS"):
        assert (f"local {table} = " in definitions) == (table in rest)


def test_all_processes_make_the_same_scripts() -> None:
    program = (
        "from dormparty_sse.domain.rules import Rules\n"
        "from dormparty_sse.store.scripts import script_names, script_text\n"
        "print([script_text(name, Rules()) for name in script_names()])"
    )
    made = {
        subprocess.check_output([sys.executable, "-c", program], env={"PYTHONHASHSEED": seed})
        for seed in ("1", "2", "3")
    }
    assert len(made) == 1


def test_the_prelude_has_pythons_actions() -> None:
    line = literal("ACTIONS")
    for action, requirement in ACTIONS.items():
        states = re.search(rf"\['{action}'\] = {{ (.*?) }}", line)
        assert states
        assert set(re.findall(r"\['(\w+)'\] = 'acts'", states[1])) == set(requirement.acts_in)
        assert set(re.findall(r"\['(\w+)'\] = 'answers'", states[1])) == set(requirement.answers_in)


def test_every_include_is_used() -> None:
    used = set()
    for name in script_names():
        used |= set(re.findall(r"^-- @include (\w+)$", script_text(name, Rules()), re.MULTILINE))
    assert used == {file.stem for file in (LUA / "includes").iterdir()}


def test_no_redis_functions_are_used_which_6_2_does_not_have() -> None:
    for name in script_names():
        text = script_text(name, Rules())
        assert "#!lua" not in text
        assert "redis.register_function" not in text


def test_the_prelude_has_pythons_transitions() -> None:
    line = literal("TRANSITIONS")
    for start in State:
        follows = re.search(rf"\['{start}'\] = {{ (.*?) }}", line)
        assert follows
        assert set(re.findall(r"\['(\w+)'\] = true", follows[1])) == set(TRANSITIONS[start])


def test_the_prelude_has_pythons_endings() -> None:
    line = literal("ENDINGS")
    for reason, ending in ENDINGS.items():
        members = re.search(rf"\['{reason}'\] = {{ (.*?) }}", line)
        assert members
        for name, value in asdict(ending).items():
            shown = str(value).lower() if isinstance(value, bool) else f"'{value}'"
            assert f"['{name}'] = {shown}" in members[1]


def test_the_prelude_has_pythons_rules_and_outcomes() -> None:
    rules = Rules(pair_cooldown_ms=123, match_scan=456)
    (line,) = (line for line in prelude(rules).splitlines() if line.startswith("local RULES = "))
    for name, value in asdict(rules).items():
        literally = f"{{ {', '.join(map(str, value))} }}" if isinstance(value, tuple) else value
        assert f"['{name}'] = {literally}" in line
    for outcome in Outcome:
        assert f"['{outcome.name}'] = '{outcome.value}'" in literal("OUTCOME")


def test_the_prelude_has_pythons_keys() -> None:
    text = prelude(Rules())
    for name, template in POOL_KEYS.items():
        (line,) = (line for line in text.splitlines() if line.startswith(f"  {name} = function("))
        ids = ["ID"] if "%s" in template else []
        spoken = "".join(re.findall(r"'([^']*)'|\.\. (id)", line)[0][:1])
        assert spoken == template.split("%s")[0]
        assert pool_key("main", name, *ids).startswith("{main}" + spoken)


def test_every_key_of_a_pool_is_in_one_slot_of_a_cluster() -> None:
    for name, template in POOL_KEYS.items():
        key = pool_key("main", name, *(["ID"] if "%s" in template else []))
        assert key.startswith("{main}:")
