"""The gate before new sessions: none, a proof of work, or a third party's human check."""

from typing import Protocol

from dormparty_sse.domain.clock import Clock
from dormparty_sse.domain.models import Fields, GateAnswer
from dormparty_sse.services.proof_of_work import ProofOfWork
from dormparty_sse.services.site_verify import SiteVerify
from dormparty_sse.settings import Settings
from dormparty_sse.store.connection import Connection


class Gate(Protocol):
    """Whoever has a session has passed it. A further kind needs these three, and its name in the settings."""

    def challenge(self) -> Fields:
        """What has to be answered: `gate`, the kind, and whatever it takes to answer that."""

    async def require(self, answer: GateAnswer) -> None:
        """Returns if this is an answer. Raises ChallengeRequired, with a challenge, or Unavailable."""

    async def aclose(self) -> None:
        """No more is asked."""


class Open:
    """No gate."""

    def challenge(self) -> Fields:
        """Nothing has to be answered."""
        return {"gate": "off"}

    async def require(self, answer: GateAnswer) -> None:
        """Everybody passes."""

    async def aclose(self) -> None:
        """Nothing is open."""


def make_gate(settings: Settings, connection: Connection, clock: Clock) -> Gate:
    """The gate that the settings name."""
    match settings.gate:
        case "off":
            return Open()
        case "proof-of-work":
            return ProofOfWork(
                connection, clock, secrets=settings.session_secrets, difficulty=settings.gate_difficulty
            )
        case "turnstile" | "hcaptcha":
            return SiteVerify(
                settings.gate,
                site_key=settings.gate_site_key,
                secret=settings.gate_secret,
                url=settings.gate_verify_url,
                timeout_s=settings.gate_timeout_s,
            )
