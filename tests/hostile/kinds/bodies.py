"""Bodies that are no JSON object, or not the one that is asked for."""

import gzip
import json
from typing import Any

from tests.hostile.kind import HARMLESS, INVALID, MALFORMED, TOO_LARGE, Kind, Make
from tests.hostile.scene import ACTIONS, Scene

_LARGEST = 16 * 1024  # bytes

_NO_OBJECT = (b"[]", b"null", b"1", b'"enqueue"', b"true", b'[{"sessionId": "x"}]')
_NO_JSON = (
    b"{",
    b"interests=music",
    b"{}{}",
    b"{'a': 1}",
    b"<xml/>",
    b'{"a": NaN}',
    b"{,}",
    b"\x00\x00",
    b"\xef\xbb\xbf{}",
)
_NO_TEXT = (
    b'{"sessionId": "\xff\xfe"}',
    b'{"sessionId": "\xc0\xae"}',
    b'{"sessionId": "\xed\xa0\x80"}',
    b'{"\xff": 1}',
    "{}".encode("utf-16"),
    b'{"sessionId": "\\ud800"}',
    b'{"sessionId": "\\udc00\\ud800"}',
)
_HUGE = ("1e999", "-1e999", "9" * 5_000, "1e" + "9" * 400)
_LARGE = (
    "9" * 300,
    "18446744073709551616",
    "-9223372036854775809",
    "1e308",
    "0.1e-300",
    "-0",
    "1." + "9" * 5_000,
)
_PROTO: tuple[dict[str, Any], ...] = (
    {"__proto__": {"userId": "x", "isAdmin": True}},
    {"constructor": {"prototype": {"isAdmin": True}}},
    {"__class__": {"__init__": {"__globals__": {}}}},
    {"__proto__.sessionId": "x", "prototype": None},
    {"state": "IN_CALL", "admin": True, "pool": "other", "user_id_": "x", "seq": 1},
)
_WRONG: tuple[tuple[str, Any], ...] = (
    ("interests", "music"),
    ("interests", {"0": "music"}),
    ("interests", [1]),
    ("interests", [["music"]]),
    ("interests", ["x" * 41]),
    ("interests", ["x"] * 21),
    ("interests", {"__proto__": []}),
)
_WRONG_IDS: tuple[Any, ...] = (1, True, ["x"], {"$ne": None}, {"$gt": ""}, "", "x" * 129, 1.5)


def _bodies(*bodies: bytes) -> Make:
    """Each of these, to each action."""

    def make(scene: Scene, number: int) -> bytes:
        return scene.act(ACTIONS[number % len(ACTIONS)], bodies[number // len(ACTIONS) % len(bodies)])

    return make


def _deep(scene: Scene, number: int) -> bytes:
    depth = 1_500 + number % 1_000
    bodies = (
        b'{"interests": ' + b"[" * depth + b"]" * depth + b"}",
        b"[" * depth,
        b'{"a":' * (depth) + b"1" + b"}" * (depth),
    )
    return scene.act("enqueue", bodies[number % 3])


def _deep_but_right(scene: Scene, number: int) -> bytes:
    depth = 500 + number % 400
    return scene.act("heartbeat", b'{"unknown": ' + b"[" * depth + b"]" * depth + b"}")


def _large_number(scene: Scene, number: int) -> bytes:
    value = _LARGE[number % len(_LARGE)]
    field = ("sessionId", "userId")[number % 2]
    return scene.act("end", f'{{"{field}": {value}}}'.encode())


def _wrong_interests(scene: Scene, number: int) -> bytes:
    field, value = _WRONG[number % len(_WRONG)]
    return scene.act_as(scene.attacker, "enqueue", {field: value})


def _wrong_id(scene: Scene, number: int) -> bytes:
    action, field = (("skip", "sessionId"), ("end", "userId"), ("room-close-ack", "roomName"))[number % 3]
    return scene.act_as(scene.attacker, action, {field: _WRONG_IDS[number % len(_WRONG_IDS)]})


def _wrong_report(scene: Scene, number: int) -> bytes:
    wrong: tuple[dict[str, Any], ...] = (
        {"reason": "because"},
        {"reason": None},
        {"reason": ["other"]},
        {"reason": "other", "details": "x" * 501},
        {"reason": "other", "details": {"text": "x"}},
        {"reason": "other", "sessionId": 1},
    )
    return scene.act_as(scene.attacker, "report", {"sessionId": "x"} | wrong[number % len(wrong)])


def _proto(scene: Scene, number: int) -> bytes:
    return scene.act("heartbeat", _PROTO[number % len(_PROTO)])


def _too_large(scene: Scene, number: int) -> bytes:
    return scene.act("heartbeat", json.dumps({"x": "x" * (_LARGEST + number % 5_000)}).encode())


def _too_large_in_chunks(scene: Scene, number: int) -> bytes:
    body = json.dumps({"x": "x" * (_LARGEST + number % 5_000)}).encode()
    head = scene.act("heartbeat", b"", "Transfer-Encoding: chunked")
    return head + f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"


_BOMB = gzip.compress(b'{"x": "' + b"x" * 5_000_000 + b'"}')


def _bomb(scene: Scene, _number: int) -> bytes:
    return scene.act("heartbeat", _BOMB, "Content-Encoding: gzip")


def _not_packed(scene: Scene, number: int) -> bytes:
    return scene.act("heartbeat", b"not packed", f"Content-Encoding: {('gzip', 'deflate')[number % 2]}")


def _admin_number(scene: Scene, number: int) -> bytes:
    values = ("1e999", "9" * 5_00, "NaN", "-", "0x10", "1;2", "%00", "Infinity", "\u0661".encode().hex())
    field = ("limit", "minutes")[number % 2]
    path = ("users", "statistics")[number % 2]
    return scene.operate(f"GET /api/admin/{path}?{field}={values[number % len(values)]}")


def _wrong_pool(scene: Scene, number: int) -> bytes:
    pools: tuple[Any, ...] = (
        "",
        "Main",
        "a b",
        "x" * 33,
        "main\n",
        "{main}",
        "a:b",
        1,
        ["main"],
        {},
        "*",
        "main}x{",
    )
    return scene.send("POST /api/session", body=json.dumps({"pool": pools[number % len(pools)]}).encode())


KINDS = [
    Kind(name="no object", right=MALFORMED, make=_bodies(*_NO_OBJECT)),
    Kind(name="no JSON", right=MALFORMED, make=_bodies(*_NO_JSON)),
    Kind(name="invalid UTF-8", right=MALFORMED, make=_bodies(*_NO_TEXT)),
    Kind(
        name="huge numbers",
        right=MALFORMED,
        make=_bodies(*(f'{{"sessionId": {number}}}'.encode() for number in _HUGE)),
    ),
    Kind(name="large numbers", right=INVALID, make=_large_number),
    Kind(name="numbers in a query", right=INVALID, make=_admin_number),
    Kind(name="deep JSON", right=MALFORMED, make=_deep),
    Kind(name="deep JSON that nobody asked for", right=HARMLESS, make=_deep_but_right),
    Kind(name="__proto__", right=HARMLESS, make=_proto),
    Kind(name="wrong interests", right=INVALID, make=_wrong_interests),
    Kind(name="wrong ids", right=INVALID, make=_wrong_id),
    Kind(name="wrong reports", right=INVALID, make=_wrong_report),
    Kind(name="wrong pools", right=INVALID, make=_wrong_pool),
    Kind(name="a large body", right=TOO_LARGE, make=_too_large),
    Kind(name="a large body of unknown length", right=TOO_LARGE, make=_too_large_in_chunks),
    Kind(name="a body that unpacks to much", right=MALFORMED, make=_bomb),
    Kind(name="a body that does not unpack", right=MALFORMED, make=_not_packed),
]
