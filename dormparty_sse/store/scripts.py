"""Compiles the Lua scripts.

Each is a file of its own, behind a prelude that is made from Python's definitions (keys, transition table,
endings, rules, outcomes), so that the two languages cannot disagree.
"""

import re
from collections.abc import Iterator
from dataclasses import asdict
from importlib.resources import files

from dormparty_sse.domain.endings import ENDINGS
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.domain.rules import Rules
from dormparty_sse.domain.states import TRANSITIONS, State
from dormparty_sse.store.keys import POOL_KEYS

_LUA = files(__package__) / "lua"
_INCLUDE = re.compile(r"^-- @include (\w+)$", re.MULTILINE)


def script_names() -> list[str]:
    """The names of all scripts, without `.lua`."""
    return sorted(f.name.removesuffix(".lua") for f in _LUA.iterdir() if f.name.endswith(".lua"))


def script_text(name: str, rules: Rules) -> str:
    """The whole text of a script: prelude, its includes (each once, in order), the script."""
    parts = [prelude(rules)]
    seen: set[str] = set()
    _expand((_LUA / f"{name}.lua").read_text(), seen, parts)
    return "\n".join(parts)


def _expand(text: str, seen: set[str], parts: list[str]) -> None:
    for include in _INCLUDE.findall(text):
        if include not in seen:
            seen.add(include)
            _expand((_LUA / "includes" / f"{include}.lua").read_text(), seen, parts)
    parts.append(text)


def prelude(rules: Rules) -> str:
    """The Lua definitions of everything that Python defines."""
    return "\n".join(
        [
            "local POOL = KEYS[1]",
            f"local RULES = {_table(asdict(rules))}",
            f"local TRANSITIONS = {_table(_transitions())}",
            f"local STATE_SETS = {_table({state: state.lower() for state in State})}",
            f"local ENDINGS = {_table({str(r): asdict(e) for r, e in ENDINGS.items()})}",
            f"local OUTCOME = {_table({o.name: o.value for o in Outcome})}",
            "local KEY = {",
            *_key_builders(),
            "}",
        ]
    )


def _transitions() -> dict[str, dict[str, bool]]:
    return {start: dict.fromkeys(follow, True) for start, follow in TRANSITIONS.items()}


def _key_builders() -> Iterator[str]:
    for name, template in POOL_KEYS.items():
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
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return f"'{value}'"
