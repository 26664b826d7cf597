"""What Prometheus is told: every metric of the service, defined here and nowhere else.

Each process counts what it does. Where there are several, prometheus-client keeps their counts in files,
which whoever is asked adds up (web/server.py says where they are). Labels take their values from fixed sets,
whatever anybody sends and whatever a damaged record holds.
"""

import os
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from dormparty_sse.domain.discrepancies import Kind
from dormparty_sse.domain.endings import Reason
from dormparty_sse.domain.models import Commit
from dormparty_sse.domain.states import State
from dormparty_sse.services.census import Census
from dormparty_sse.services.stream import Cause

disable_created_metrics()  # type: ignore[no-untyped-call]  # else each series has a twin: when it began

OTHER = "other"  #: Stands for every value that is not of a label's set.
FILES = "PROMETHEUS_MULTIPROC_DIR"  #: The variable that prometheus-client looks at when it is imported.

#: As LiveKit names them.
EVENTS = frozenset(
    {
        "room_started",
        "room_finished",
        "participant_joined",
        "participant_left",
        "participant_connection_aborted",
    }
    | {"track_published", "track_unpublished"}
    | {"egress_started", "egress_updated", "egress_ended", "ingress_started", "ingress_ended"}
)
#: Why users take steps, beside the endings.
REASONS = frozenset({*Reason, "enqueue", "cancel", "matched", "both-joined", "reconciled"})
_IN_MATCH = {State.CONNECTING, State.IN_CALL}

# Of the goals for the time alone each is a bound: 1, 4, 6 and 21 s.
_ALONE_S = (0.1, 0.25, 0.5, 1, 2, 4, 6, 10, 21, 30, 60, 120)
_DELIVERY_S = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_CALL_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3)
_RECONCILIATION_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_AGE_S = (1, 2, 3, 5, 10, 15, 30, 60, 300)  # LiveKit gives whole seconds
_LONGEST_AGE_S = 3_600  # the signature is not valid for so long: such an event has a wrong time


class Start(StrEnum):
    """With what a stream began."""

    FRESH = "fresh"  #: With a snapshot: the client was not here before.
    RESUMED = "resumed"  #: With what the client had missed.
    RESYNC = "resync"  #: With a snapshot, since the log does not reach back.


class Fate(StrEnum):
    """What became of a webhook."""

    APPLIED = "applied"  #: It changed what is known.
    NOTHING = "nothing"  #: It was about a match of ours, and told nothing new.
    IGNORED = "ignored"  #: It is none of our business.
    REFUSED = "refused"  #: It is not signed by our LiveKit, so nothing in it was read.
    FAILED = "failed"  #: Redis is away, or a record makes no sense.


class Metrics:
    """Those of one process."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._streams = Gauge(
            "dormparty_streams", "Open streams", multiprocess_mode="livesum", registry=registry
        )
        self._opened = Counter(
            "dormparty_streams_opened", "Streams that began, by how", ["start"], registry=registry
        )
        self._closed = Counter(
            "dormparty_streams_closed", "Streams that ended, by why", ["cause"], registry=registry
        )
        self._replayed = Counter(
            "dormparty_stream_events_replayed",
            "Events that resuming clients were sent from their logs",
            registry=registry,
        )
        self._delivery = Histogram(
            "dormparty_stream_delivery_seconds",
            "From the commit of an event in Redis until it was written to the stream's connection",
            buckets=_DELIVERY_S,
            registry=registry,
        )
        self._most_waiting = Gauge(
            "dormparty_stream_buffer_high_water",
            "The most events that ever waited for one reader",
            multiprocess_mode="livemax",
            registry=registry,
        )
        self._high_water = 0
        self._transitions = Counter(
            "dormparty_transitions", "Steps of users", ["from", "to", "reason"], registry=registry
        )
        self._ended = Counter("dormparty_matches_ended", "Matches that ended", ["reason"], registry=registry)
        self._alone = Histogram(
            "dormparty_alone_seconds",
            "How long somebody was alone in a room, once for each time",
            buckets=_ALONE_S,
            registry=registry,
        )
        self._findings = Counter(
            "dormparty_reconciliation_findings",
            "Differences between LiveKit and Redis that were found and mended",
            ["kind"],
            registry=registry,
        )
        self._reconciliations = Histogram(
            "dormparty_reconciliation_seconds",
            "Duration of a reconciliation of all rooms, by whether LiveKit answered",
            ["livekit"],
            buckets=_RECONCILIATION_S,
            registry=registry,
        )
        self._webhooks = Counter(
            "dormparty_webhooks", "Webhooks, by what became of them", ["event", "outcome"], registry=registry
        )
        self._ages = Histogram(
            "dormparty_webhook_age_seconds",
            "From what a webhook tells of until it was applied",
            ["event"],
            buckets=_AGE_S,
            registry=registry,
        )
        self._room_calls = {
            call: Histogram(
                f"dormparty_room_{name}_seconds",
                f"Time that LiveKit took for the {name} of a room",
                ["outcome"],
                buckets=_CALL_S,
                registry=registry,
            )
            for call, name in {"create": "creation", "delete": "deletion"}.items()
        }
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        # A rate needs a value before the first event: what alerts look at must be there from the start.
        for kind in Kind:
            self._findings.labels(kind)
        for start in Start:
            self._opened.labels(start)
        for cause in Cause:
            self._closed.labels(cause)
        for reason in Reason:
            self._ended.labels(reason)
        for livekit in ("up", "down"):
            self._reconciliations.labels(livekit)
        for histogram in self._room_calls.values():
            for outcome in ("done", "failed"):
                histogram.labels(outcome)

    # What the parts of the process tell

    def committed(self, commit: Commit) -> None:
        """A command was carried out."""
        for step in commit.transitions:
            reason = _one_of(REASONS, step.reason)
            self._transitions.labels(step.from_state, step.to_state, reason).inc()
        for ending in _endings(commit).values():
            self._ended.labels(_one_of(REASONS, ending)).inc()
        for alone_ms in commit.alone_ms:
            self._alone.observe(alone_ms / 1000)

    def stream_opened(self, start: Start, replayed: int) -> None:
        """A stream has begun, with so many events from the log."""
        self._streams.inc()
        self._opened.labels(start).inc()
        self._replayed.inc(replayed)

    def stream_closed(self, cause: Cause) -> None:
        """A stream has ended."""
        self._streams.dec()
        self._closed.labels(cause).inc()

    def delivered(self, after_s: float, waiting: int) -> None:
        """An event was written so long after its commit, and now so many wait for this reader."""
        self._delivery.observe(max(after_s, 0))
        if waiting > self._high_water:
            self._high_water = waiting
            self._most_waiting.set(waiting)

    def found(self, kind: Kind) -> None:
        """LiveKit and Redis differed."""
        self._findings.labels(kind).inc()

    def reconciled(self, seconds: float, livekit: Literal["up", "down"]) -> None:
        """All rooms were looked at, or would have been."""
        self._reconciliations.labels(livekit).observe(seconds)

    def webhook(self, fate: Fate, event: str = "", age_s: float | None = None) -> None:
        """A webhook came. `event` is empty for one that was not read; `age_s` None where it tells none."""
        name = _one_of(EVENTS, event)
        self._webhooks.labels(name, fate).inc()
        if age_s is not None:
            self._ages.labels(name).observe(min(max(age_s, 0), _LONGEST_AGE_S))

    def room_call(self, call: str, seconds: float, outcome: str) -> None:
        """LiveKit was called. `outcome`: done or failed."""
        if histogram := self._room_calls.get(call):
            histogram.labels(outcome).observe(seconds)

    # What Prometheus asks

    def exposition(self, census: Census | None) -> bytes:
        """All of it in Prometheus's text format. Without a census, nothing is said of what Redis knows."""
        text = generate_latest(self._of_all_processes())
        if census:
            counts = CollectorRegistry()
            counts.register(_Counts(census))
            text += generate_latest(counts)
        return text

    def _of_all_processes(self) -> CollectorRegistry:
        if FILES not in os.environ:
            return self._registry
        everybody = CollectorRegistry()
        MultiProcessCollector(everybody)  # type: ignore[no-untyped-call]
        return everybody


class _Counts(Collector):
    """The census as gauges."""

    def __init__(self, census: Census) -> None:
        self._census = census

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield _gauge("dormparty_users", "Users in each state", self._census.users)
        yield _gauge("dormparty_rooms", "Rooms by the phase of their match", self._census.rooms)


def _gauge(name: str, documentation: str, counts: Mapping[str, int]) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, documentation, labels=["state"])
    for state, count in counts.items():
        gauge.add_metric([state], count)
    return gauge


def _endings(commit: Commit) -> dict[str, str]:
    """Why matches ended by this commit, by session; without those that nobody was in any more."""
    return {
        step.session_id: step.reason
        for step in commit.transitions
        if step.session_id and step.from_state in _IN_MATCH and step.to_state not in _IN_MATCH
    }


def _one_of(values: frozenset[str], value: str) -> str:
    return value if value in values else OTHER
