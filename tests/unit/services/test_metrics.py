"""What is counted, how, and under which labels; and that the alerts ask for what there is."""

import re

import pytest

from dormparty_sse.domain.discrepancies import Kind
from dormparty_sse.domain.endings import Reason
from dormparty_sse.domain.models import Commit, Transition
from dormparty_sse.domain.outcomes import Outcome
from dormparty_sse.domain.states import State
from dormparty_sse.services.census import Census
from dormparty_sse.services.metrics import EVENTS, Fate, Metrics
from tests.support.metrics import Scrape
from tests.support.stack import ROOT

NOBODY = Census(users=dict.fromkeys(State, 0), rooms={"reserved": 0, "open": 0, "closing": 0})


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def seen(metrics: Metrics, census: Census | None = None) -> Scrape:
    return Scrape(metrics.exposition(census).decode())


def step(start: State, to: State, reason: str, session: str | None = "session") -> Transition:
    return Transition(
        user_id="user",
        from_state=start,
        to_state=to,
        reason=reason,
        duration_ms=1,
        seq=1,
        session_id=session,
        forced=False,
    )


def commit(*steps: Transition, alone_ms: tuple[int, ...] = ()) -> Commit:
    return Commit(
        outcome=Outcome.DONE,
        pool="main",
        now=1,
        transitions=steps,
        due_at=None,
        rematch=False,
        fields={},
        alone_ms=alone_ms,
    )


def test_every_step_is_counted_by_where_it_leads_and_why(metrics: Metrics) -> None:
    matched = step(State.WAITING, State.CONNECTING, "matched")
    metrics.committed(commit(matched, matched))
    metrics.committed(commit(step(State.IDLE, State.WAITING, "enqueue", None)))
    name = "dormparty_transitions_total"
    assert seen(metrics).value(name, from_="WAITING", to="CONNECTING", reason="matched") == 2
    assert seen(metrics).value(name, from_="IDLE", to="WAITING", reason="enqueue") == 1
    assert seen(metrics).value(name) == 3


def test_a_match_ends_once_whatever_its_people_do_afterwards(metrics: Metrics) -> None:
    out = step(State.IN_CALL, State.DISCONNECTING, "skip")
    metrics.committed(commit(out, out))
    for back in (
        step(State.DISCONNECTING, State.WAITING, "skip"),
        step(State.CONNECTING, State.IN_CALL, "?"),
    ):
        metrics.committed(commit(back))
    unmet = step(State.CONNECTING, State.WAITING, "connect-timeout", "another")
    home = step(State.WAITING, State.IDLE, "connect-timeout", "another")
    metrics.committed(commit(unmet, home, unmet))
    ended = "dormparty_matches_ended_total"
    assert seen(metrics).value(ended, reason="skip") == 1
    assert seen(metrics).value(ended, reason="connect-timeout") == 1
    assert seen(metrics).value(ended) == 2


def test_each_time_alone_is_one_incident_with_its_length(metrics: Metrics) -> None:
    metrics.committed(commit(alone_ms=(500, 21_000)))
    metrics.committed(commit(alone_ms=(21_001,)))
    alone = seen(metrics)
    assert alone.value("dormparty_alone_seconds_count") == 3
    assert alone.value("dormparty_alone_seconds_sum") == pytest.approx(42.501)
    assert alone.value("dormparty_alone_seconds_bucket", le="1.0") == 1
    assert alone.value("dormparty_alone_seconds_bucket", le="21.0") == 2


def test_what_others_send_makes_no_label(metrics: Metrics) -> None:
    for number in range(50):
        metrics.webhook(Fate.IGNORED, f"event-{number}", 1)
        metrics.committed(commit(step(State.IN_CALL, State.DISCONNECTING, f"reason-{number}")))
    metrics.webhook(Fate.REFUSED)
    found = seen(metrics)
    assert found.value("dormparty_webhooks_total", event="other", outcome="ignored") == 50
    assert found.value("dormparty_webhooks_total", event="other", outcome="refused") == 1
    assert found.value("dormparty_webhook_age_seconds_count", event="other") == 50
    assert found.value("dormparty_transitions_total", reason="other") == 50
    assert found.value("dormparty_matches_ended_total", reason="other") == 50


def test_events_and_reasons_have_their_own_names(metrics: Metrics) -> None:
    for event in EVENTS:
        metrics.webhook(Fate.APPLIED, event, 0)
    for reason in Reason:
        metrics.committed(commit(step(State.IN_CALL, State.DISCONNECTING, reason)))
    found = seen(metrics)
    assert found.value("dormparty_webhooks_total", event="other") == 0
    assert found.value("dormparty_matches_ended_total", reason="other") == 0


@pytest.mark.parametrize(("age_s", "counts_as"), [(-3, 0), (0.4, 0.4), (1e18, 3_600)])
def test_a_wrong_time_does_not_spoil_the_ages(metrics: Metrics, age_s: float, counts_as: float) -> None:
    metrics.webhook(Fate.APPLIED, "room_finished", age_s)
    metrics.webhook(Fate.APPLIED, "room_finished", None)
    assert seen(metrics).value("dormparty_webhook_age_seconds_sum") == counts_as
    assert seen(metrics).value("dormparty_webhook_age_seconds_count", event="room_finished") == 1


def test_room_calls_are_those_that_make_and_delete_rooms(metrics: Metrics) -> None:
    for call, outcome in (("create", "done"), ("delete", "failed"), ("list", "done")):
        metrics.room_call(call, 0.002, outcome)
    found = seen(metrics)
    assert found.value("dormparty_room_creation_seconds_count", outcome="done") == 1
    assert found.value("dormparty_room_deletion_seconds_count", outcome="failed") == 1
    assert not any("list" in name for name in found.names)


def test_every_kind_of_finding_counts_from_zero(metrics: Metrics) -> None:
    text = metrics.exposition(None).decode()
    for kind in Kind:
        assert f'dormparty_reconciliation_findings_total{{kind="{kind}"}} 0.0' in text


def test_without_a_census_nothing_is_said_of_it(metrics: Metrics) -> None:
    assert not {"dormparty_users", "dormparty_rooms"} & seen(metrics).names
    some = Census(users={State.IN_CALL: 4}, rooms={"open": 2})
    assert seen(metrics, some).value("dormparty_users", state="IN_CALL") == 4
    assert seen(metrics, some).value("dormparty_rooms", state="open") == 2


def test_the_alerts_ask_for_what_there_is(metrics: Metrics) -> None:
    rules = (ROOT / "config/prometheus.rules.yaml").read_text()
    text = metrics.exposition(NOBODY).decode()
    asked = re.findall(r"(dormparty_\w+)(?:\{(.+?)\})?", rules)
    assert len(asked) == 4
    for name, label in asked:
        assert re.search(rf"^{name}\b", text, re.MULTILINE), name
        assert label in text
