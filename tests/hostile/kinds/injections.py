"""What would be code, if it were not kept as data: in every string that a client may send."""

from urllib.parse import quote

from tests.hostile.kind import (
    HARMLESS,
    INVALID,
    MISMATCH,
    NOT_FOUND,
    UNAUTHENTICATED,
    WRONG_STATE,
    Kind,
)
from tests.hostile.scene import Scene, bearer, cookie
from tests.support.webhooks import LiveKitRoom, signature

_CODE = (
    "'); redis.call('FLUSHALL') --",
    "]] redis.call('FLUSHALL') --[[",
    '" .. redis.call("KEYS", "*") .. "',
    "x\r\nFLUSHALL\r\n",
    "*1\r\n$8\r\nFLUSHALL\r\n",
    "x\nCONFIG SET dir /tmp\n",
    "{main}:user:*",
    "}:matching:waiting{",
    "*",
    "%s%s%s%n",
    "%1",
    "${jndi:ldap://127.0.0.1/x}",
    "{{7*7}}",
    "$(sleep 5)",
    "'; DROP TABLE users; --",
    "<script>alert(1)</script>",
    "\x00",
    "\u202e\u0000\uffff",
    "return redis.call('SHUTDOWN')",
    "-- @include base",
)


def _code(number: int) -> str:
    return _CODE[number % len(_CODE)]


def _session_id(scene: Scene, number: int) -> bytes:
    action = ("skip", "end", "leave", "check-disconnect")[number % 4]
    return scene.act_as(scene.attacker, action, {"sessionId": _code(number // 4)})


def _report(scene: Scene, number: int) -> bytes:
    """Whom it is about is not for the client to say, so it comes to nothing."""
    code = _code(number // 2)
    words = ({"details": code}, {"sessionId": code})[number % 2]
    body = {"sessionId": "guessed", "reason": "other", "targetUserId": scene.victim.user_id} | words
    return scene.act_as(scene.attacker, "report", body)


def _room_name(scene: Scene, number: int) -> bytes:
    return scene.act("room-close-ack", {"roomName": _code(number)})


def _user_id(scene: Scene, number: int) -> bytes:
    return scene.act("heartbeat", {"userId": _code(number)})


def _user_id_in_query(scene: Scene, number: int) -> bytes:
    return scene.ask(f"/api/matching/status?userId={quote(_code(number))}")


def _session_id_in_query(scene: Scene, number: int) -> bytes:
    return scene.ask(f"/api/matching/check-disconnect?sessionId={quote(_code(number))}")


def _interests(scene: Scene, number: int) -> bytes:
    return scene.act_as(scene.attacker, "enqueue", {"interests": [_code(number)]})


def _pool(scene: Scene, number: int) -> bytes:
    return (
        scene.act("", {"pool": _code(number)})
        .replace(b"/api/matching/", b"/api/session", 1)
        .replace(bearer(scene.idler.token).encode(), b"X-Nothing: x")
    )


def _name(scene: Scene, number: int) -> bytes:
    """A member's name."""
    return scene.act("heartbeat", {_code(number): 1})


def _token(scene: Scene, number: int) -> bytes:
    code = quote(_code(number), safe="'\"();*{}[]<>$|") if number % 2 else _code(number).replace("\r", "")
    text = "".join(character for character in code if 0x20 < ord(character) < 0x7F)
    header = bearer if number % 3 else cookie
    return scene.send("GET /api/matching/status", header(text or "x"))


def _header(scene: Scene, number: int) -> bytes:
    """Where a log, a limit or a link could be fooled: it is the session that says who is asking."""
    text = "".join(character for character in _code(number) if 0x20 <= ord(character) < 0x7F)
    names = (
        "X-Request-Id",
        "User-Agent",
        "Referer",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Real-IP",
        "Accept",
    )
    return scene.send("GET /api/matching/status", f"{names[number % len(names)]}: {text}")


def _admin_pool(scene: Scene, number: int) -> bytes:
    return scene.operate(f"GET /api/admin/users?pool={quote(_code(number), safe='')}")


def _admin_cursor(scene: Scene, number: int) -> bytes:
    path = ("users", "queue", "rooms", "reports", "trail")[number % 5]
    return scene.operate(
        f"GET /api/admin/{path}?pool={scene.pool}&cursor={quote(_code(number // 5), safe='')}"
    )


def _moderator(scene: Scene, number: int) -> bytes:
    """A verdict on a report that there is not."""
    code = _code(number // 2)
    report = quote("x" + (code if number % 2 else ""), safe="")
    body = {"pool": scene.pool, "outcome": "upheld", "moderator": code, "note": code}
    return scene.operate(f"POST /api/admin/reports/{report}/resolve", body)


def _verdict(scene: Scene, number: int) -> bytes:
    """Or how long a ban is to last."""
    path, field = (("reports/x/resolve", "outcome"), ("users/x/ban", "durationSeconds"))[number % 2]
    return scene.operate(f"POST /api/admin/{path}", {"pool": scene.pool, field: _code(number // 2)})


def _admin_room(scene: Scene, number: int) -> bytes:
    return scene.operate(f"DELETE /api/admin/rooms/{quote('x' + _code(number), safe='')}")


def _block(scene: Scene, number: int) -> bytes:
    return scene.act_as(scene.attacker, "block", {"sessionId": _code(number)})


def _solution(scene: Scene, number: int) -> bytes:
    """To the challenge of a gate."""
    return (
        scene.act("", {"solution": _code(number)})
        .replace(b"/api/matching/", b"/api/session", 1)
        .replace(bearer(scene.idler.token).encode(), b"X-Nothing: x")
    )


def _admin_user(scene: Scene, number: int) -> bytes:
    return scene.operate(f"GET /api/admin/users/{quote('x' + _code(number), safe='')}?pool={scene.pool}")


def _webhook(scene: Scene, number: int) -> bytes:
    """LiveKit tells it, of a room that somebody else has named."""
    room = LiveKitRoom(name=_code(number), sid=_code(number + 1))
    body = scene.encode(room.joined(_code(number + 2)))
    return scene.webhook(body, signature(body))


def _webhook_participant(scene: Scene, number: int) -> bytes:
    """Likewise, of somebody in a room of ours who has given itself a name."""
    body = scene.encode(scene.room.left(_code(number), sid=f"PA_{number}"))
    return scene.webhook(body, signature(body))


KINDS = [
    Kind(name="code as sessionId", right=HARMLESS, make=_session_id),
    Kind(name="code as sessionId in a query", right=HARMLESS, make=_session_id_in_query),
    Kind(name="code in a report", right=NOT_FOUND, make=_report),
    Kind(name="code as roomName", right=HARMLESS, make=_room_name),
    Kind(name="code as userId", right=MISMATCH, make=_user_id),
    Kind(name="code as userId in a query", right=MISMATCH, make=_user_id_in_query),
    Kind(name="code as interest", right=WRONG_STATE, make=_interests),
    Kind(name="code as pool", right=INVALID, make=_pool),
    Kind(name="code as a member's name", right=HARMLESS, make=_name),
    Kind(name="code as token", right=UNAUTHENTICATED, make=_token),
    Kind(name="code as header", right=UNAUTHENTICATED, make=_header),
    Kind(name="code as an operator's pool", right=INVALID, make=_admin_pool),
    Kind(name="code as an operator's cursor", right=INVALID, make=_admin_cursor),
    Kind(name="code as a moderator's words", right=NOT_FOUND, make=_moderator),
    Kind(name="code as a verdict", right=INVALID, make=_verdict),
    Kind(name="code as an operator's room", right=NOT_FOUND, make=_admin_room),
    Kind(name="code as the sessionId of a block", right=NOT_FOUND, make=_block),
    Kind(name="code as a solution", right=INVALID, make=_solution),
    Kind(name="code as an operator's user", right=NOT_FOUND, make=_admin_user),
    Kind(name="code as a webhook's room", right=HARMLESS, make=_webhook),
    Kind(name="code as a webhook's participant", right=HARMLESS, make=_webhook_participant),
]
