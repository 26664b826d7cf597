"""What clients say of their match is a hint, no more: LiveKit is asked about it, at most once a second."""

import asyncio

from dormparty_sse.domain.models import Fields
from dormparty_sse.services.reconcile import Reconciler
from dormparty_sse.services.tasks import Tasks

_PATIENCE_S = 0.5  # whoever gave the hint waits so long for what comes of it
_AGAIN_S = 1.0


class Hints:
    """The matches that somebody doubts."""

    def __init__(self, reconciler: Reconciler, tasks: Tasks) -> None:
        self._reconciler = reconciler
        self._tasks = tasks
        self._doubted: set[str] = set()  # sessions, for a second

    async def doubt(self, pool: str, match: Fields) -> bool:
        """Looks at a match, unless that has just been done. Was anything mended, as far as is known now?"""
        session_id = match["sessionId"]
        if session_id in self._doubted:
            return False
        self._doubted.add(session_id)
        asyncio.get_running_loop().call_later(_AGAIN_S, self._doubted.discard, session_id)
        look = self._tasks.spawn(self._reconciler.look_at(pool, session_id, match["roomName"]))
        done, _ = await asyncio.wait({look}, timeout=_PATIENCE_S)
        return bool(done) and look.exception() is None and bool(look.result().discrepancies)
