"""The time by Redis's clock, on which all processes agree, however wrong their own clocks are."""

import time
from collections.abc import Callable, Mapping
from typing import Any

_WINDOW_S = 30


class Clock:
    """Goes by this machine's monotonic clock, set by what Redis's clock was seen to show.

    An answer is a little old when it arrives, never early. So the furthest ahead of the last answers is the
    nearest to the truth, and a slow one moves nothing. Where Redis's clock is set back, this one follows
    after one window, at the latest two.
    """

    def __init__(
        self, *, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        """`wall` stands in until Redis's clock has been seen."""
        self._monotonic = monotonic
        self._wall = wall
        self._ahead_s: float | None = None  # of the monotonic clock, in this window
        self._ahead_before_s: float | None = None  # likewise, in the window before it
        self._window_ends = 0.0

    def learn(self, redis_ms: float) -> None:
        """An answer says that Redis's clock showed this, in ms since the epoch, a moment ago."""
        now = self._monotonic()
        ahead_s = redis_ms / 1000 - now
        if self._ahead_s is None or now >= self._window_ends:
            self._ahead_before_s, self._ahead_s = self._ahead_s, ahead_s
            self._window_ends = now + _WINDOW_S
        self._ahead_s = max(self._ahead_s, ahead_s)

    def now_s(self) -> float:
        """Seconds since the epoch."""
        if self._ahead_s is None:
            return self._wall()
        ahead_s = self._ahead_s if self._ahead_before_s is None else max(self._ahead_s, self._ahead_before_s)
        return self._monotonic() + ahead_s

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return round(self.now_s() * 1000)


def in_force(claims: Mapping[str, Any], now_s: float, leeway_s: float = 0) -> bool:
    """Whether a token with these claims counts now, by those of `exp`, `nbf` and `iat` it has (RFC 7519)."""
    try:
        times = {name: int(claims[name]) for name in ("exp", "nbf", "iat") if name in claims}
    except (ValueError, TypeError, OverflowError):
        return False
    begun = all(times[name] <= now_s + leeway_s for name in ("nbf", "iat") if name in times)
    return begun and ("exp" not in times or times["exp"] > now_s - leeway_s)
