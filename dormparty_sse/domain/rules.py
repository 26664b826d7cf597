"""The durations and limits that the scripts go by, compiled into them by the script loader."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Milliseconds, unless a name says otherwise."""

    pair_cooldown_ms: int = 30_000  #: How long two people are kept apart after a skip.
    reservation_ms: int = 8_000  #: How long a pair is held while its room is made.
    connect_timeout_ms: int = 15_000  #: How long a match waits for both to be in the room.
    longest_call_ms: int = 14_400_000  #: A match ends after so long, whatever else happens.
    leave_timeout_ms: int = 1_000  #: How long a user may stay DISCONNECTING.
    unreachable_after_ms: int = 10_000  #: Not seen for so long: queued, but not matched.
    come_back_ms: int = 3_000  #: How long somebody who is away from a call may take to come back.
    alone_grace_ms: int = 5_000  #: How long somebody may be alone in a call before that ends it.
    stale_after_ms: int = 60_000  #: Not seen for so long: out of the queue, out of the call.
    user_ttl_ms: int = 3_600_000  #: Not seen for so long: forgotten.
    remembered_ms: int = 86_400_000  #: How long a forgotten user's device, and a cooldown's level, are known.
    match_ttl_ms: int = 1_800_000  #: How long an ended match is remembered, to fence late actions.
    skips: int = 10  #: So many skips within `skip_window_ms` lead to a cooldown.
    skip_window_ms: int = 60_000
    skip_cooldowns_ms: tuple[int, ...] = (
        60_000,
        300_000,
        900_000,
    )  #: The first, the next; then the last again.
    conversation_ms: int = 60_000  #: Who has talked for so long begins anew with the first cooldown.
    partners_kept: int = 10  #: Past matches that may still be reported.
    partners_ttl_ms: int = 86_400_000  #: For how long.
    block_ttl_ms: int = 31_536_000_000  #: How long a block lasts after the last one of the two made.
    reporters: int = 3  #: So many people's reports within `report_window_ms` suspend somebody.
    report_window_ms: int = 86_400_000
    suspension_ms: int = 86_400_000  #: How long a suspension lasts, unless a moderator ends it.
    report_ttl_ms: int = 7_776_000_000  #: How long a report is kept for the moderators.
    trail_length: int = 10_000  #: Entries kept of what moderators did, about.
    operation_ttl_ms: int = 10_000  #: How long an answer is kept for whoever repeats the command.
    statistics_ttl_ms: int = 86_460_000  #: How long the statistics of a minute are kept: a day and more.
    webhook_ttl_ms: int = 900_000  #: How long a webhook's id is remembered, so that it counts once.
    room_delete_retry_ms: int = 4_000  #: Wait before deleting a room is tried again; doubles each time.
    room_delete_retry_max_ms: int = 30_000  #: The longest such wait.
    match_scan: int = 1_000  #: Reachable users looked at in one matching step.
    hold_scan: int = 50  #: Reachable users looked at to say why nobody was found.
    log_length: int = 256  #: Events kept for replay in each user's log.
    log_age_ms: int = 900_000  #: How long they are kept, save the newest.
