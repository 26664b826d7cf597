"""What belongs to others: their ids, their match, their room, their origin."""

from tests.hostile.kind import (
    FORBIDDEN,
    FOREIGN_ORIGIN,
    HARMLESS,
    MISMATCH,
    NOT_FOUND,
    WRONG_STATE,
    Kind,
)
from tests.hostile.scene import ACTIONS, QUESTIONS, Scene, cookie

#: Those that say for which match they are meant, and act.
_FENCED = ("skip", "end", "leave")
_ORIGINS = ("https://evil.example", "null", "http://127.0.0.1.evil.example", "file://", "http://127.0.0.1:1")


def _user_in_body(scene: Scene, number: int) -> bytes:
    body = {"userId": scene.victim.user_id, "roomName": "x", "sessionId": "x", "reason": "other"}
    return scene.act(ACTIONS[number % len(ACTIONS)], body)


def _user_in_query(scene: Scene, number: int) -> bytes:
    paths = (*(f"/api/matching/{question}" for question in QUESTIONS), "/api/check-match")
    return scene.ask(f"{paths[number % len(paths)]}?userId={scene.victim.user_id}")


def _user_in_both(scene: Scene, number: int) -> bytes:
    """One's own in one place, somebody else's in the other."""
    own, other = scene.idler.user_id, scene.victim.user_id
    inner, outer = (own, other) if number % 2 else (other, own)
    return scene.act(f"heartbeat?userId={outer}", {"userId": inner})


def _user_that_is_none(scene: Scene, number: int) -> bytes:
    return scene.act("end", {"userId": f"{scene.victim.user_id}{number}"})


def _match(scene: Scene, number: int) -> bytes:
    """From another call, and from home."""
    someone = (scene.attacker, scene.idler)[number % 2]
    return scene.act_as(someone, _FENCED[number % len(_FENCED)], {"sessionId": scene.match["sessionId"]})


def _others_met(scene: Scene, number: int) -> bytes:
    """Who was not there can neither block nor report."""
    body = {"sessionId": scene.match["sessionId"], "reason": "other", "details": "I was not there"}
    return scene.act_as((scene.attacker, scene.idler)[number // 2 % 2], ("block", "report")[number % 2], body)


def _nobody_met(scene: Scene, number: int) -> bytes:
    body = {"sessionId": f"guessed-{number}", "reason": "other"}
    return scene.act_as(scene.attacker, ("block", "report")[number % 2], body)


def _unknown_match(scene: Scene, number: int) -> bytes:
    return scene.act_as(scene.attacker, _FENCED[number % len(_FENCED)], {"sessionId": f"guessed-{number}"})


def _room(scene: Scene, number: int) -> bytes:
    """From another call, and from home."""
    someone = (scene.attacker, scene.idler)[number % 2]
    names = (scene.match["roomName"], f"dormparty.{scene.pool}.guessed-{number:016}")
    return scene.act_as(someone, "room-close-ack", {"roomName": names[number // 2 % 2]})


def _origin(scene: Scene, number: int) -> bytes:
    line = f"POST /api/matching/{ACTIONS[number % len(ACTIONS)]}"
    origin = f"Origin: {_ORIGINS[number % len(_ORIGINS)]}"
    return scene.send(line, cookie(scene.victim.token), origin, body=b"{}")


def _admin_user(scene: Scene, number: int) -> bytes:
    return scene.operate(f"GET /api/admin/users/guessed-{number}?pool={scene.pool}")


def _admin_room(scene: Scene, number: int) -> bytes:
    """None of ours: LiveKit may have others."""
    return scene.operate(f"DELETE /api/admin/rooms/guessed-{number}")


def _start_in_a_call(scene: Scene, number: int) -> bytes:
    return scene.act_as(scene.attacker, "enqueue", {"interests": [f"interest {number}"]})


KINDS = [
    Kind(name="somebody else's userId in a body", right=MISMATCH, make=_user_in_body),
    Kind(name="somebody else's userId in a query", right=MISMATCH, make=_user_in_query),
    Kind(name="two userIds", right=MISMATCH, make=_user_in_both),
    Kind(name="a userId that is nobody's", right=MISMATCH, make=_user_that_is_none),
    Kind(name="somebody else's match", right=FORBIDDEN, make=_match),
    Kind(name="a block of who met others", right=FORBIDDEN, make=_others_met),
    Kind(name="a block of nobody", right=NOT_FOUND, make=_nobody_met),
    Kind(name="a guessed match", right=HARMLESS, make=_unknown_match),
    Kind(name="somebody else's room", right=HARMLESS, make=_room),
    Kind(name="Start in a call", right=WRONG_STATE, make=_start_in_a_call),
    Kind(name="a page of another origin", right=FOREIGN_ORIGIN, make=_origin),
    Kind(name="a user that operators do not find", right=NOT_FOUND, make=_admin_user),
    Kind(name="a room that operators do not find", right=NOT_FOUND, make=_admin_room),
]
