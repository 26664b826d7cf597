"""The secrets of one development environment: random, kept in a file that only its user can read."""

import json
import os
import secrets
from pathlib import Path

from dormparty_sse.dev.errors import DevError

_NAMES = ("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "SESSION_SECRET", "ADMIN_TOKEN")


def load_or_create(file: Path) -> dict[str, str]:
    """The secrets by the name of their setting. Raises DevError for a damaged file, OSError."""
    if not file.exists():
        _write(file, {name: secrets.token_urlsafe(32) for name in _NAMES})
    try:
        found = json.loads(file.read_text())
        return {name: str(found[name]) for name in _NAMES}
    except (ValueError, KeyError, TypeError):
        raise DevError(f"{file} is damaged: remove it, and new secrets are made") from None


def _write(file: Path, values: dict[str, str]) -> None:
    """Whole or not at all: a full disk leaves no half file behind."""
    draft = file.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
        json.dump(values, output, indent=2)
    draft.replace(file)
