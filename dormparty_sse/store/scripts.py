"""Compiles the Lua scripts.

Each is a file of its own, behind a prelude that is made from Python's definitions (keys, transition table,
endings, actions, rules, outcomes), so that the two languages cannot disagree. All processes make the same
texts: Redis keeps every other one for ever.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from typing import Any

from dormparty_sse.domain.actions import ACTIONS, Requirement
from dormparty_sse.domain.endings import ENDINGS
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.domain.rules import Rules
from dormparty_sse.domain.states import TRANSITIONS, WAYS, State
from dormparty_sse.store.keys import POOL_KEYS

_LUA = files(__package__) / "lua"
_WORD = re.compile(r"\w+")
_INCLUDE = re.compile(r"^-- @include (\w+)$", re.MULTILINE)


def script_names() -> list[str]:
    """The names of all scripts, without `.lua`."""
    return sorted(f.name.removesuffix(".lua") for f in _LUA.iterdir() if f.name.endswith(".lua"))


@cache
def script_text(name: str, rules: Rules) -> str:
    """The whole text of a script of the store."""
    return composed((_LUA / f"{name}.lua").read_text(), rules)


def composed(script: str, rules: Rules) -> str:
    """What a script uses of the prelude, each include once, the script."""
    parts: list[str] = []
    _expand(script, set(), parts)
    return "\n".join([prelude(rules, used_by=parts), *parts])


def _expand(text: str, seen: set[str], parts: list[str]) -> None:
    for include in _INCLUDE.findall(text):
        if include not in seen:
            seen.add(include)
            _expand(_included(include), seen, parts)
    parts.append(text)


@cache
def _included(name: str) -> str:
    return (_LUA / "includes" / f"{name}.lua").read_text()


@cache
def _words(text: str) -> set[str]:
    return set(_WORD.findall(text))


def prelude(rules: Rules, used_by: Sequence[str] | None = None) -> str:
    """The Lua definitions of everything that Python defines, or of what the parts of a script use.

    Redis runs the prelude anew with each command, so what a script does not use would cost time.
    """
    tables: dict[str, Any] = {
        "RULES": asdict(rules),
        "TRANSITIONS": {start: dict.fromkeys(sorted(follow), True) for start, follow in TRANSITIONS.items()},
        "WAYS": WAYS,
        "ACTIONS": {action: _decided(requirement) for action, requirement in ACTIONS.items()},
        "STATE_SETS": {state: state.lower() for state in State},
        "ENDINGS": {reason: asdict(ending) for reason, ending in ENDINGS.items()},
        "OUTCOME": {outcome.name: outcome for outcome in Outcome},
    }
    keys = dict(POOL_KEYS)
    if used_by is not None:
        words = set[str]().union(*map(_words, used_by))
        if "STATE_SETS" in words:
            words |= {state.lower() for state in State}
        tables = {name: table for name, table in tables.items() if name in words}
        for flat in {"RULES", "OUTCOME"} & tables.keys():
            tables[flat] = {name: value for name, value in tables[flat].items() if name in words}
        keys = {name: template for name, template in keys.items() if name in words}
    definitions = [f"local {name} = {_table(table)}" for name, table in tables.items()]
    return "\n".join(["local POOL = KEYS[1]", *definitions, "local KEY = {", *_key_builders(keys), "}"])


def _decided(requirement: Requirement) -> dict[State, str]:
    """What becomes of an action in each state; where it is refused, there is nothing."""
    acts = dict.fromkeys(sorted(requirement.acts_in), "acts")
    return acts | dict.fromkeys(sorted(requirement.answers_in), "answers")


def _key_builders(templates: Mapping[str, str]) -> Iterator[str]:
    for name, template in templates.items():
        if "%s" in template:
            before, after = template.split("%s")
            yield f"  {name} = function(id) return POOL .. '{before}' .. id .. '{after}' end,"
        else:
            yield f"  {name} = function() return POOL .. '{template}' end,"


def _table(value: object) -> str:
    """A Python value as a Lua literal."""
    if isinstance(value, dict):
        members = ", ".join(f"['{key}'] = {_table(item)}" for key, item in value.items())
        return f"{{ {members} }}"
    if isinstance(value, tuple):
        return f"{{ {', '.join(map(_table, value))} }}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return f"'{value}'"
