"""The URLs for operators. Each needs the admin token: routes.py sees to that."""

from pydantic import BaseModel

from dormparty_sse.domain.errors import (
    InvalidTransition,
    RoomsAway,
    Unavailable,
    UnknownReport,
    UnknownRoom,
    UnknownUser,
)
from dormparty_sse.web import admin, moderation
from dormparty_sse.web.admin_answers import (
    AuditAnswer,
    BanAnswer,
    CleanupPoolAnswer,
    CleanupUserAnswer,
    DeleteRoomAnswer,
    OverviewAnswer,
    QueueAnswer,
    RepairAnswer,
    ReportsAnswer,
    ResolveAnswer,
    RoomsAnswer,
    StatisticsAnswer,
    SyncAnswer,
    TrailAnswer,
    TransitionAnswer,
    UnbanAnswer,
    UserDetailsAnswer,
    UsersAnswer,
)
from dormparty_sse.web.bodies import Body, PoolBody
from dormparty_sse.web.operations import Access, Errors, Operation, Route


def _operation(
    summary: str, takes: type[Body] | None, answer: type[BaseModel], problems: Errors = ()
) -> Operation:
    return Operation(summary=summary, access=Access.ADMIN, takes=takes, answer=answer, problems=problems)


_A = "/api/admin"

_MODERATION = (
    Route(
        "GET",
        (f"{_A}/reports",),
        moderation.reports,
        _operation("What people reported", moderation.ReportsQuery, ReportsAnswer),
    ),
    Route(
        "POST",
        (f"{_A}/reports/{{id}}/resolve",),
        moderation.resolve,
        _operation("A verdict on a report", moderation.ResolveBody, ResolveAnswer, (UnknownReport,)),
    ),
    Route(
        "POST",
        (f"{_A}/users/{{id}}/ban",),
        moderation.ban,
        _operation("Keep a user out, and its device", moderation.BanBody, BanAnswer),
    ),
    Route(
        "POST",
        (f"{_A}/users/{{id}}/unban",),
        moderation.unban,
        _operation("Let a user and its device in again", moderation.UnbanBody, UnbanAnswer),
    ),
    Route(
        "GET",
        (f"{_A}/trail",),
        moderation.trail,
        _operation("What moderators did", admin.PageQuery, TrailAnswer),
    ),
)

ADMIN_ROUTES = (
    *_MODERATION,
    Route(
        "GET",
        (f"{_A}/overview",),
        admin.overview,
        _operation("A pool at a glance", PoolBody, OverviewAnswer),
    ),
    Route(
        "GET",
        (f"{_A}/statistics",),
        admin.statistics,
        _operation("The last minutes, one by one", admin.MinutesQuery, StatisticsAnswer),
    ),
    Route(
        "GET",
        (f"{_A}/users",),
        admin.users,
        _operation("Users, by how long they have been in their state", admin.UsersQuery, UsersAnswer),
    ),
    Route(
        "GET",
        (f"{_A}/users/{{id}}",),
        admin.user,
        _operation("All that is known of a user", PoolBody, UserDetailsAnswer, (UnknownUser,)),
    ),
    Route(
        "POST",
        (f"{_A}/users/{{id}}/transition",),
        admin.transition,
        _operation(
            "Lead a user to a state, whatever it takes",
            admin.TransitionBody,
            TransitionAnswer,
            (UnknownUser, InvalidTransition),
        ),
    ),
    Route(
        "POST",
        (f"{_A}/users/{{id}}/cleanup",),
        admin.cleanup_user,
        _operation("Remove a user", admin.ReasonBody, CleanupUserAnswer),
    ),
    Route(
        "POST",
        (f"{_A}/cleanup",),
        admin.cleanup_pool,
        _operation("Remove everybody and everything of a pool", admin.CleanupPoolBody, CleanupPoolAnswer),
    ),
    Route(
        "GET",
        (f"{_A}/queue",),
        admin.queue,
        _operation("The users free to be matched", admin.PageQuery, QueueAnswer),
    ),
    Route(
        "GET",
        (f"{_A}/rooms",),
        admin.rooms,
        _operation("The rooms, and who is in each", admin.PageQuery, RoomsAnswer),
    ),
    Route(
        "DELETE",
        (f"{_A}/rooms/{{name}}",),
        admin.delete_room,
        _operation(
            "End the match of a room, and delete the room",
            admin.ReasonBody,
            DeleteRoomAnswer,
            (UnknownRoom, RoomsAway),
        ),
    ),
    Route(
        "GET",
        (f"{_A}/audit",),
        admin.audit,
        _operation("Does the state keep its invariants?", PoolBody, AuditAnswer),
    ),
    Route(
        "POST",
        (f"{_A}/repair",),
        admin.repair,
        _operation("Mend what the audit finds", PoolBody, RepairAnswer),
    ),
    Route(
        "GET",
        ("/api/sync-room-states",),
        admin.sync_room_states,
        _operation("What the last comparison with LiveKit found and mended", None, SyncAnswer),
    ),
    Route(
        "POST",
        ("/api/sync-room-states",),
        admin.sync_room_states,
        _operation("Compare with LiveKit now", None, SyncAnswer, (Unavailable,)),
    ),
)
