"""Solving challenges of the gate as a browser does, only slower."""

import hashlib
from itertools import count
from typing import Any


def solution(challenge: dict[str, Any], *, right: bool = True) -> dict[str, str]:
    """What to send for a challenge; not `right`: the first number that does not solve it."""
    for number in count():
        digest = hashlib.sha256(f"{challenge['challenge']}{number}".encode()).digest()
        bits = "".join(f"{byte:08b}" for byte in digest)
        if bits.startswith("0" * challenge["difficulty"]) == right:
            return {"challenge": challenge["challenge"], "solution": str(number)}
    raise AssertionError
