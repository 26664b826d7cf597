"""The endings agree with the transition table and with each other."""

import pytest

from dormparty_sse.domain.endings import ENDINGS, Reason
from dormparty_sse.domain.events import EventType
from dormparty_sse.domain.states import TRANSITIONS, State

#: As the contract has it; `force-disconnect` says these words to the partner.
SEEN_BY_PARTNERS = {
    "partner-skipped",
    "partner-ended",
    "partner-left",
    "connection-lost",
    "connect-timeout",
    "room-failed",
    "room-finished",
    "blocked",
    "stale",
    "admin",
}
EVERY_REASON = pytest.mark.parametrize("reason", Reason)


def test_every_reason_has_an_ending() -> None:
    assert ENDINGS.keys() == set(Reason)


@EVERY_REASON
def test_an_ending_leads_where_the_table_allows(reason: Reason) -> None:
    # From a call by way of DISCONNECTING, where the others always go back to the queue.
    assert ENDINGS[reason].leavers_to in TRANSITIONS[State.DISCONNECTING]
    assert State.WAITING in TRANSITIONS[State.DISCONNECTING]
    # From CONNECTING by way of WAITING.
    assert ENDINGS[reason].leavers_to in {State.WAITING, *TRANSITIONS[State.WAITING]}


@EVERY_REASON
def test_partners_are_told_in_the_contracts_words(reason: Reason) -> None:
    assert ENDINGS[reason].others_see in SEEN_BY_PARTNERS


@EVERY_REASON
def test_what_the_leavers_are_told_fits_where_they_go(reason: Reason) -> None:
    ending = ENDINGS[reason]
    if ending.leavers_get is EventType.END_CONFIRMED:
        assert ending.leavers_to is State.IDLE
    elif ending.leavers_get is EventType.SKIP_CONFIRMED:
        assert ending.leavers_to is State.WAITING
    else:
        assert ending.leavers_get is EventType.FORCE_DISCONNECT


def test_only_a_skip_keeps_the_pair_apart_and_as_a_block_does_costs_the_partner_its_place() -> None:
    assert {reason for reason, ending in ENDINGS.items() if ending.cools} == {Reason.SKIP}
    assert {reason for reason, ending in ENDINGS.items() if not ending.others_keep_place} == {
        Reason.SKIP,
        Reason.BLOCKED,
    }


def test_who_leaves_goes_home_and_who_is_lost_waits_again() -> None:
    home = {reason for reason, ending in ENDINGS.items() if ending.leavers_to is State.IDLE}
    assert home >= {Reason.END, Reason.LEAVE, Reason.PARTNER_LEFT, Reason.CONNECT_TIMEOUT, Reason.STALE}
    assert not home & {Reason.SKIP, Reason.CONNECTION_LOST, Reason.ROOM_FINISHED}
