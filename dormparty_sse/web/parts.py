"""The parts of a running process, put together once at its start."""

from dataclasses import dataclass

from aiohttp import web

from dormparty_sse.livekit.rooms import Rooms
from dormparty_sse.services.actions import Actions
from dormparty_sse.services.administration import Administration
from dormparty_sse.services.audit import Auditor
from dormparty_sse.services.gate import Gate
from dormparty_sse.services.health import RoomsHealth
from dormparty_sse.services.hub import Hub
from dormparty_sse.services.metrics import Metrics
from dormparty_sse.services.moderation import Moderation
from dormparty_sse.services.rate_limits import AtOnce, RateLimits
from dormparty_sse.services.repair import Repairer
from dormparty_sse.services.standing import Standing
from dormparty_sse.services.sync import RoomSync
from dormparty_sse.services.webhooks import Webhooks
from dormparty_sse.settings import Settings
from dormparty_sse.store.connection import Connection
from dormparty_sse.store.occupancy import Occupancy
from dormparty_sse.store.queries import Queries
from dormparty_sse.store.statistics import Statistics
from dormparty_sse.store.store import Store
from dormparty_sse.web.sessions import SessionTokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the handlers use."""

    settings: Settings
    connection: Connection
    store: Store
    rooms: Rooms
    rooms_health: RoomsHealth
    sessions: SessionTokens
    standing: Standing
    gate: Gate
    actions: Actions
    hub: Hub
    webhooks: Webhooks
    queries: Queries
    statistics: Statistics
    occupancy: Occupancy
    auditor: Auditor
    repairer: Repairer
    sync: RoomSync
    administration: Administration
    moderation: Moderation
    metrics: Metrics
    rate_limits: RateLimits
    streams_at_once: AtOnce


PARTS = web.AppKey("parts", Parts)


def parts_of(request: web.Request) -> Parts:
    """The parts of the process that serves this request."""
    return request.app[PARTS]
