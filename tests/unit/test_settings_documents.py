"""settings.py, config/default.toml and the table in README.md tell the same."""

import re
import tomllib

from pydantic import BaseModel

from dormparty_sse.settings import Settings
from tests.support.stack import ROOT

SECRETS = {name for name, field in Settings.model_fields.items() if not field.repr}
REQUIRED = {name for name, field in Settings.model_fields.items() if field.is_required()}
DEFAULTS = {name: field.default for name, field in Settings.model_fields.items() if name not in REQUIRED}
TABLES = {name: default.model_dump() for name, default in DEFAULTS.items() if isinstance(default, BaseModel)}

_DEFAULT_LINE = re.compile(r"#(?P<toml>(?P<name>\w+) = .+?)  # (?P<comment>.+)")
_TABLE_LINE = re.compile(r"#(\[\w+\])")
_SECRET_LINE = re.compile(r"# (?P<name>[A-Z_]+)  # (?P<need>Required|Optional)\. .+")
_README_ROW = re.compile(r"\| `(?P<name>[A-Z_]+)` \| (?P<default>[^|]+) \| (?P<meaning>[^|]+) \|")


def default_toml() -> str:
    return (ROOT / "config/default.toml").read_text()


def readme_rows() -> list[re.Match[str]]:
    """The rows of the table under "## Settings"."""
    _, _, section = (ROOT / "README.md").read_text().partition("\n## Settings\n")
    section, _, _ = section.partition("\n## ")
    return [row for line in section.splitlines() if (row := _README_ROW.fullmatch(line))]


def shown(name: str) -> str:
    """A default as the README shows it."""
    if name in REQUIRED:
        return "required"
    default = DEFAULTS[name]
    if isinstance(default, tuple):
        return f"`{list(default)}`"
    if name in TABLES:
        return "in `config/default.toml`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`" if default != "" else "empty"


def test_default_toml_has_every_setting_with_its_default_and_a_comment() -> None:
    lines: list[str] = []
    for line in default_toml().splitlines():
        if row := _DEFAULT_LINE.fullmatch(line):
            lines.append(row["toml"])
            assert ("Required." in row["comment"]) == (row["name"] in REQUIRED)
        elif row := _TABLE_LINE.fullmatch(line):
            lines.append(row[1])
    found = tomllib.loads("\n".join(lines))
    assert found.keys() == Settings.model_fields.keys() - SECRETS
    for name in DEFAULTS.keys() - SECRETS:
        default = TABLES.get(name, DEFAULTS[name])
        assert found[name] == (list(default) if isinstance(default, tuple) else default)


def test_default_toml_names_the_secrets_and_holds_none() -> None:
    rows = [row for line in default_toml().splitlines() if (row := _SECRET_LINE.fullmatch(line))]
    needs = {row["name"].lower(): row["need"] for row in rows}
    assert needs == {name: "Required" if name in REQUIRED else "Optional" for name in SECRETS}


def test_default_toml_changes_nothing_as_it_is() -> None:
    assert tomllib.loads(default_toml()) == {}


def test_the_readme_lists_every_setting_with_its_default() -> None:
    rows = readme_rows()
    assert {row["name"].lower(): row["default"] for row in rows} == {
        name: shown(name) for name in Settings.model_fields
    }
    assert len(rows) == len(Settings.model_fields)
