"""Event streams that are not one's own, or not asked for rightly."""

from urllib.parse import quote

from tests.hostile.kind import INVALID, MALFORMED, MISMATCH, UNAUTHENTICATED, WRONG_METHOD, Kind
from tests.hostile.scene import Scene, bearer, cookie, signed

_PATHS = ("/api/matching/events", "/api/sse")
_LAST_IDS = ("0", "$", ">", "-", "+", "0-0", "18446744073709551615-18446744073709551615", "*", "x' OR '1'='1")


def _path(number: int) -> str:
    return _PATHS[number % 2]


def _without_session(scene: Scene, number: int) -> bytes:
    """Whatever else it says: from which event on, and in which way."""
    last_id = _LAST_IDS[number % len(_LAST_IDS)]
    query = ("", "?poll=1", f"?lastEventId={quote(last_id)}")[number % 3]
    return scene.send(f"GET {_path(number)}{query}", f"Last-Event-ID: {last_id}", "Accept: text/event-stream")


def _forged(scene: Scene, number: int) -> bytes:
    token = signed(scene.claims(jti=number), "x" * 40)
    return scene.send(f"GET {_path(number)}", (bearer, cookie)[number % 2](token), "Last-Event-ID: 0-0")


def _token_in_query(scene: Scene, number: int) -> bytes:
    """It would stand in every log on the way."""
    name = ("token", "access_token", "session", "dormparty_session")[number % 4]
    return scene.send(f"GET {_path(number)}?{name}={scene.idler.token}")


def _of_another(scene: Scene, number: int) -> bytes:
    poll = ("", "&poll=1")[number // 2 % 2]
    return scene.ask(f"{_path(number)}?userId={scene.victim.user_id}{poll}", "Last-Event-ID: 0-0")


def _wrong_poll(scene: Scene, number: int) -> bytes:
    return scene.ask(f"{_path(number)}?poll={('2', 'true', '', '-1', '1%00', '1&userId=')[number % 6]}")


def _by_head(scene: Scene, number: int) -> bytes:
    """It would take the place of the real stream."""
    return scene.send(f"HEAD {_path(number)}", bearer(scene.victim.token))


def _by_post(scene: Scene, number: int) -> bytes:
    return scene.send(f"{('POST', 'PUT', 'DELETE')[number % 3]} {_path(number)}", bearer(scene.idler.token))


def _header_injected(scene: Scene, number: int) -> bytes:
    """An id that would add a header, or an event, if it were repeated."""
    last_id = (b"1-1\x00", b"1\rdata: x", b"1-1\x0b\x7f\x00", b"a\n\ndata: {}")[number % 4]
    return scene.ask(_path(number), b"Last-Event-ID: " + last_id)


KINDS = [
    Kind(name="a stream without session", right=UNAUTHENTICATED, make=_without_session),
    Kind(name="a stream with a forged session", right=UNAUTHENTICATED, make=_forged),
    Kind(name="a stream with a token in the URL", right=UNAUTHENTICATED, make=_token_in_query),
    Kind(name="somebody else's stream", right=MISMATCH, make=_of_another),
    Kind(name="a stream asked for wrongly", right=INVALID, make=_wrong_poll),
    Kind(name="a stream by HEAD", right=WRONG_METHOD, make=_by_head),
    Kind(name="a stream by POST", right=WRONG_METHOD, make=_by_post),
    Kind(name="a Last-Event-ID of several lines", right=MALFORMED, make=_header_injected, ends=True),
]
