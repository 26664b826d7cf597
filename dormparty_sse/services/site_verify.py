"""A gate kept by a third party: Turnstile and hCaptcha check people in the browser, and tell us the outcome.

Both by the same protocol: developers.cloudflare.com/turnstile/get-started/server-side-validation and
docs.hcaptcha.com.
"""

from typing import Any, Literal

import aiohttp
import structlog

from dormparty_sse.domain.errors import ChallengeFailed, ChallengeRequired, GateAway
from dormparty_sse.domain.models import Fields, GateAnswer

log = structlog.get_logger()

Provider = Literal["turnstile", "hcaptcha"]

_URLS: dict[Provider, str] = {
    "turnstile": "https://challenges.cloudflare.com/turnstile/v0/siteverify",
    "hcaptcha": "https://api.hcaptcha.com/siteverify",
}
_OK = 200
#: Not the answer is wrong, but the question, or the provider.
_NOT_THEIR_FAULT = (
    "missing-input-secret",
    "invalid-input-secret",
    "sitekey-secret-mismatch",
    "bad-request",
    "internal-error",
)


class SiteVerify:
    """Asks the provider about each token. It is not told the address of whoever brought it."""

    def __init__(
        self, provider: Provider, *, site_key: str, secret: str, url: str = "", timeout_s: float
    ) -> None:
        """`url`: where to ask, if not at the provider's own."""
        self._provider = provider
        self._site_key = site_key
        self._secret = secret
        self._url = url or _URLS[provider]
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout_s))

    def challenge(self) -> Fields:
        """The widget that gives a token."""
        return {"gate": self._provider, "siteKey": self._site_key}

    async def require(self, answer: GateAnswer) -> None:
        """Raises ChallengeRequired, ChallengeFailed, GateAway."""
        if answer.token is None:
            raise ChallengeRequired(**self.challenge())
        verdict = await self._ask(answer.token)
        if verdict.get("success") is True:
            return
        codes = verdict.get("error-codes")
        faults = [code for code in _NOT_THEIR_FAULT if isinstance(codes, list) and code in codes]
        if faults or not isinstance(codes, list):
            log.error("gate_fault", provider=self._provider, faults=faults)
            raise GateAway
        raise ChallengeFailed(**self.challenge())

    async def aclose(self) -> None:
        """No more is asked."""
        await self._http.close()

    async def _ask(self, token: str) -> dict[str, Any]:
        form = {"secret": self._secret, "response": token, "sitekey": self._site_key}
        try:
            async with self._http.post(self._url, data=form, allow_redirects=False) as answer:
                verdict = await answer.json(content_type=None) if answer.status == _OK else None
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            log.warning("gate_away", provider=self._provider, error=type(error).__name__)
            raise GateAway from error
        if not isinstance(verdict, dict):
            log.warning("gate_away", provider=self._provider, status=answer.status)
            raise GateAway
        return verdict
