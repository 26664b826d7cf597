"""A gate that needs no third party: a new session costs some computing.

A challenge is signed, not stored. Its solution is a number: SHA-256 of the challenge with the number behind
it, as text, begins with as many zero bits as the challenge says. Each one more doubles the work.
"""

import hashlib
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hmac import compare_digest
from secrets import token_bytes, token_hex
from struct import Struct

from dormparty_sse.domain.clock import Clock
from dormparty_sse.domain.errors import ChallengeFailed, ChallengeRequired
from dormparty_sse.domain.models import Fields, GateAnswer
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.keys import spent_challenge

_LIFE_MS = 300_000  # slow telephones with a hard challenge need some of it
_TERMS = Struct(">QB16s")  # expires at (ms), difficulty (bits), nonce
_SIGNATURE_BYTES = (
    23  # then the challenge has 64 characters: one block of SHA-256, hashed once for all numbers
)
_DIGEST_BITS = 256


class ProofOfWork:
    """Makes challenges, and takes each one's solution once."""

    def __init__(
        self, connection: Connection, clock: Clock, *, secrets: Sequence[str], difficulty: int
    ) -> None:
        """`difficulty` in bits. The first secret signs; what any of them has signed is taken."""
        self._connection = connection
        self._clock = clock
        self._difficulty = difficulty
        self._keys = [
            hashlib.blake2b(secret.encode(), digest_size=32, person=b"dormparty-gate").digest()
            for secret in secrets
        ]

    def challenge(self) -> Fields:
        """A new challenge."""
        expires_at = self._clock.now_ms() + _LIFE_MS
        terms = _TERMS.pack(expires_at, self._difficulty, token_bytes(16))
        return {
            "gate": "proof-of-work",
            "challenge": urlsafe_b64encode(terms + _signature(terms, self._keys[0])).decode(),
            "difficulty": self._difficulty,
            "expiresAt": expires_at,
        }

    async def require(self, answer: GateAnswer) -> None:
        """Raises ChallengeRequired, ChallengeFailed, each with a new challenge, and StateAway."""
        if answer.challenge is None or answer.solution is None:
            raise ChallengeRequired(**self.challenge())
        terms = self._terms(answer.challenge)
        if terms is None:
            raise ChallengeFailed(**self.challenge())
        expires_at, difficulty, nonce = terms
        left_ms = expires_at - self._clock.now_ms()
        if left_ms <= 0 or not _solves(answer.challenge, answer.solution, difficulty):
            raise ChallengeFailed(**self.challenge())
        if not await self._spend(nonce, left_ms):
            raise ChallengeFailed(**self.challenge())

    async def aclose(self) -> None:
        """Nothing is open."""

    def _terms(self, challenge: str) -> tuple[int, int, bytes] | None:
        """Those of a challenge of ours."""
        try:
            raw = b64decode(challenge, altchars=b"-_", validate=True)
        except ValueError:
            return None
        terms, signature = raw[: _TERMS.size], raw[_TERMS.size :]
        if not any(compare_digest(signature, _signature(terms, key)) for key in self._keys):
            return None
        expires_at, difficulty, nonce = _TERMS.unpack(terms)
        return expires_at, difficulty, nonce

    async def _spend(self, nonce: bytes, left_ms: int) -> bool:
        """Is this the first time?"""
        key, mine = spent_challenge(nonce.hex()), token_hex(8)
        if await self._connection.execute("SET", key, mine, "PX", left_ms, "NX") is not None:
            return True
        # The command may have been sent twice, where the answer to the first was lost.
        return bool(await self._connection.execute("GET", key) == mine)


def _signature(terms: bytes, key: bytes) -> bytes:
    return hashlib.blake2b(terms, key=key, digest_size=_SIGNATURE_BYTES).digest()


def _solves(challenge: str, solution: str, difficulty: int) -> bool:
    digest = hashlib.sha256((challenge + solution).encode()).digest()
    return int.from_bytes(digest) >> (_DIGEST_BITS - difficulty) == 0
