"""docs/privacy.md tells of every key that there is, and of none that is not."""

import inspect
import re

from dormparty_sse.store import keys
from tests.support.stack import ROOT

_ROW = re.compile(r"\| `(?P<key>[^`]+)` \| (?P<rest>.+) \|")
_MAKES_PARTS_OF_KEYS = {"pool_tag", "pool_key"}


def all_keys() -> list[str]:
    """Each key of the project once, with capitals for what differs."""
    pools = ["{pool}" + template.replace("%s", "ID") for template in keys.POOL_KEYS.values()]
    constants = [value for name, value in vars(keys).items() if name.isupper() and isinstance(value, str)]
    made: list[str] = []
    for name, make in inspect.getmembers(keys, inspect.isfunction):
        if name not in _MAKES_PARTS_OF_KEYS and make.__module__ == keys.__name__:
            key = make(*(parameter.upper() for parameter in inspect.signature(make).parameters))
            made += key if isinstance(key, tuple) else [key]
    return sorted([*pools, *constants, *made])


def rows(title: str) -> list[re.Match[str]]:
    """The rows of the table under a title."""
    _, _, section = (ROOT / "docs/privacy.md").read_text().partition(f"\n## {title}\n")
    section, _, _ = section.partition("\n## ")
    return [row for line in section.splitlines() if (row := _ROW.fullmatch(line))]


def test_every_key_is_told_of_once() -> None:
    told = [row["key"] for title in ("Keys about a person", "Keys about nobody") for row in rows(title)]
    assert sorted(told) == all_keys()


def test_what_is_about_a_person_says_why_and_how_long() -> None:
    told = rows("Keys about a person")
    assert len(told) > 10
    for row in told:
        what, why, how_long = row["rest"].split(" | ")
        assert what, row["key"]
        assert why, row["key"]
        assert how_long, row["key"]
