"""Heads that are none, or that two servers could read differently."""

from collections.abc import Callable

from tests.hostile.kind import MALFORMED, Kind, Right, variants
from tests.hostile.scene import Scene, bearer

_HEADERS_TOO_LARGE = Right(status=431, code="headers_too_large")
_LONGEST_FIELD = 8_190  # bytes, of a header's value
_MOST_FIELDS = 64


def _post(*headers: bytes, body: bytes = b"") -> Callable[[Scene], bytes]:
    """A POST whose framing is in these headers; another request is hidden behind it."""

    def make(scene: Scene) -> bytes:
        hidden = scene.act_as(scene.attacker, "end")
        host = b"Host: " + scene.host.encode()
        head = [b"POST /api/matching/heartbeat HTTP/1.1", host, bearer(scene.idler.token).encode(), *headers]
        return b"\r\n".join([*head, b"", body]) + hidden

    return make


def _raw(head: bytes) -> Callable[[Scene], bytes]:
    """Just this, with the host put in."""
    return lambda scene: head.replace(b"HOST", scene.host.encode())


def _hosts(*hosts: bytes) -> Callable[[Scene], bytes]:
    """Some are no request at all, after the others more could come: so this is to be the last."""
    return _raw(b"\r\n".join([b"GET /api/matching/status HTTP/1.1", b"Connection: close", *hosts, b"", b""]))


_CHUNKED = b"Transfer-Encoding: chunked"

KINDS = [
    variants(
        "both lengths",
        MALFORMED,
        _post(b"Content-Length: 5", _CHUNKED, body=b"0\r\n\r\n"),
        _post(_CHUNKED, b"Content-Length: 0", body=b"0\r\n\r\n"),
        ends=True,
    ),
    variants(
        "two lengths",
        MALFORMED,
        _post(b"Content-Length: 2", b"Content-Length: 200", body=b"{}"),
        _post(b"Content-Length: 2, 200", body=b"{}"),
        _post(b"Content-Length: 2", b"Content-Length: 2", body=b"{}"),
        ends=True,
    ),
    variants(
        "a length that is no number",
        MALFORMED,
        _post(b"Content-Length: +2", body=b"{}"),
        _post(b"Content-Length: -2", body=b"{}"),
        _post(b"Content-Length: 0x2", body=b"{}"),
        _post(b"Content-Length: 2 0", body=b"{}"),
        _post(b"Content-Length: two", body=b"{}"),
        _post(b"Content-Length: 99999999999999999999999", body=b"{}"),
        ends=True,
    ),
    variants(
        "an odd transfer encoding",
        MALFORMED,
        _post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
        _post(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"),
        _post(b"Transfer-Encoding: identity", body=b"0\r\n\r\n"),
        _post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=b"0\r\n\r\n"),
        _post(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n"),
        _post(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"),
        ends=True,
    ),
    variants(
        "odd chunks",
        MALFORMED,
        _post(_CHUNKED, body=b"zz\r\n{}\r\n0\r\n\r\n"),
        _post(_CHUNKED, body=b"-2\r\n{}\r\n0\r\n\r\n"),
        _post(_CHUNKED, body=b"0x2\r\n{}\r\n0\r\n\r\n"),
        _post(_CHUNKED, body=b"2\r\n{}xx0\r\n\r\n"),
        _post(_CHUNKED, body=b"ffffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
        _post(_CHUNKED, body=b"2\n{}\n0\n\n"),
        ends=True,
    ),
    variants(
        "odd line ends",
        MALFORMED,
        _raw(b"GET /api/matching/status HTTP/1.1\nHost: HOST\n\n"),
        _raw(b"GET /api/matching/status HTTP/1.1\rHost: HOST\r\r"),
        _raw(b"GET /api/matching/status HTTP/1.1\r\nHost: HOST\r\nX: a\rY: b\r\n\r\n"),
        _raw(b"GET /api/matching/status HTTP/1.1\r\nHost: HOST\r\nX: a\nContent-Length: 5\r\n\r\n"),
        ends=True,
    ),
    variants(
        "headers that are none",
        MALFORMED,
        _raw(b"GET /api/matching/status HTTP/1.1\r\nHost: HOST\r\nno colon\r\n\r\n"),
        _raw(b"GET /api/matching/status HTTP/1.1\r\nHost: HOST\r\n: no name\r\n\r\n"),
        _raw(b"GET /api/matching/status HTTP/1.1\r\nHost: HOST\r\nA B: space\r\n\r\n"),
        _raw(b"GET /api/matching/status HTTP/1.1\r\nHost: HOST\r\nX : space\r\n\r\n"),
        _raw(b"GET /api/matching/status HTTP/1.1\r\nHost: HOST\r\nX\xff: name\r\n\r\n"),
        ends=True,
    ),
    variants(
        "a header in several lines",
        MALFORMED,
        _raw(b"GET /api/matching/status HTTP/1.1\r\nHost: HOST\r\nX: a\r\n b\r\n\r\n"),
        _raw(b"GET /api/matching/status HTTP/1.1\r\n Host: HOST\r\n\r\n"),
        ends=True,
    ),
    variants(
        "NUL in a head",
        MALFORMED,
        _raw(b"GET /api/matching/status HTTP/1.1\r\nHost: HOST\r\nX: a\x00b\r\n\r\n"),
        _raw(b"GET /api/matching/\x00status HTTP/1.1\r\nHost: HOST\r\n\r\n"),
        _raw(b"GET /api/matching/status HTTP/1.1\r\nHost: HOST\r\nX\x00: b\r\n\r\n"),
        ends=True,
    ),
    variants(
        "no host, or two",
        MALFORMED,
        _hosts(),
        _hosts(b"Host: HOST", b"Host: evil.example"),
        _hosts(b"Host: HOST", b"Host: HOST"),
        _hosts(b"Host: evil.example/HOST"),
        _hosts(b"Host: a b"),
        _hosts(b"Host:"),
        _hosts(b"Host: <script>"),
        ends=True,
    ),
    variants(
        "what is no HTTP/1",
        MALFORMED,
        _raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        _raw(b"GET / HTTP/9.9\r\nHost: HOST\r\n\r\n"),
        _raw(b"GET / HTTP/1.\r\nHost: HOST\r\n\r\n"),
        _raw(b"GET / XTTP/1.1\r\nHost: HOST\r\n\r\n"),
        _raw(b"GET /\r\n\r\n"),
        _raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
        _raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        _raw(b"*1\r\n$8\r\nFLUSHALL\r\n\r\n"),
        ends=True,
    ),
    variants(
        "a method that is none",
        MALFORMED,
        _raw(b"G@T / HTTP/1.1\r\nHost: HOST\r\n\r\n"),
        _raw(b"GET\x00 / HTTP/1.1\r\nHost: HOST\r\n\r\n"),
        _raw(b"{} / HTTP/1.1\r\nHost: HOST\r\n\r\n"),
        _raw(b"\xff\xfe / HTTP/1.1\r\nHost: HOST\r\n\r\n"),
        ends=True,
    ),
    variants(
        "a target that is none",
        MALFORMED,
        _raw(b"GET api/matching/status HTTP/1.1\r\nHost: HOST\r\n\r\n"),
        _raw(b"GET /api/matching/\xf0\x9f\x98\x80 HTTP/1.1\r\nHost: HOST\r\n\r\n"),
        _raw(b"GET file:///etc/passwd HTTP/1.1\r\nHost: HOST\r\n\r\n"),
        _raw(b"GET http://[::1 HTTP/1.1\r\nHost: HOST\r\n\r\n"),
        _raw(b"GET http://x:99999999/ HTTP/1.1\r\nHost: HOST\r\n\r\n"),
        ends=True,
    ),
    Kind(
        name="a large header",
        right=_HEADERS_TOO_LARGE,
        make=lambda scene, number: scene.ask("/", "X-Large: " + "x" * (_LONGEST_FIELD + 1 + number % 9_000)),
        ends=True,
    ),
    Kind(
        name="a large cookie",
        right=_HEADERS_TOO_LARGE,
        make=lambda scene, number: scene.ask("/", "Cookie: a=" + "x" * (_LONGEST_FIELD + number % 9_000)),
        ends=True,
    ),
    Kind(
        name="a large header name",
        right=_HEADERS_TOO_LARGE,
        make=lambda scene, number: scene.ask("/", "X" * (_LONGEST_FIELD + number % 9_000) + ": x"),
        ends=True,
    ),
    Kind(
        name="many headers",
        right=_HEADERS_TOO_LARGE,
        make=lambda scene, number: scene.ask("/", *(f"X-{n}: {number}" for n in range(_MOST_FIELDS + 40))),
        ends=True,
    ),
]
