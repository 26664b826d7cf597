"""Which secrets will do in production: none that somebody could know, or guess."""

import re
from collections.abc import Sequence
from itertools import pairwise

SHORTEST_SECRET = 32  #: Characters.
#: Of characters. 32 random ones in hexadecimal have fewer once in 28 million times.
_FEWEST_KINDS = 8
#: What examples and defaults are made of. None is shorter than six characters: one of five is in one of
#: a million random secrets, one of six in one of thirty million.
_TELLTALE = re.compile(
    "secret|[-_ ]token|token[-_ ]|password|passphrase|devkey|change[-_ ]?me|example|default|develop|insecure"
    "|placeholder|dormparty|livekit|your[-_ ](key|own)",
    re.IGNORECASE,
)


def unfit_secret(secrets: Sequence[tuple[str, str]]) -> str | None:
    """What is wrong with the first (name, value) that will not do, in words that do not tell the value."""
    for number, (name, secret) in enumerate(secrets):
        if problem := _weakness(secret):
            return f"{name} is not fit for production: it {problem}"
        for other, same in secrets[:number]:
            if secret == same:
                return f"{name} is not fit for production: it is the same as {_another(other, name)}"
    return None


def _another(other: str, name: str) -> str:
    return "another of its list" if other == name else other


def _weakness(secret: str) -> str | None:
    if len(secret) < SHORTEST_SECRET:
        return f"has fewer than {SHORTEST_SECRET} characters"
    if _TELLTALE.search(secret):
        return "is an example or a default, by its words"
    if len(set(secret)) < _FEWEST_KINDS or secret in (secret + secret)[1:-1]:
        return "repeats itself"
    if _is_sequence(secret):
        return "is a sequence"
    return None


def _is_sequence(secret: str) -> bool:
    """Like the alphabet: two of three characters follow the one before; of random ones, one of six."""
    steps = [ord(after) - ord(before) for before, after in pairwise(secret)]
    return sum(step in (-1, 0, 1) for step in steps) > len(steps) * 2 / 3
