"""Where there is nothing to be had."""

from tests.hostile.kind import NOT_FOUND, WRONG_METHOD, Kind, Make, Right
from tests.hostile.scene import ACTIONS, Scene

_UP = (
    "/static/../settings.py",
    "/static/../../../../../../etc/passwd",
    "/static/..%2f..%2fsettings.py",
    "/static/%2e%2e/%2e%2e/settings.py",
    "/static/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "/static/%252e%252e%252fsettings.py",
    "/static/..%5c..%5csettings.py",
    "/static/....//....//settings.py",
    "/static//etc/passwd",
    "/static/.",
    "/static/vendor/..",
    "/static/vendor",
    "//etc/passwd",
    "/..//..//etc/passwd",
    "/static/%c0%ae%c0%ae/settings.py",
)
_ODD = (
    "/api/matching/status%00",
    "/static/%00",
    "/static/style.css%00.html",
    "/api/matching/status%0d%0aX-Injected:%201",
    "/api/matching/%ff%fe",
    "/api/matching/status;jsessionid=1",
    "/API/MATCHING/STATUS",
    "/api/matching/status/",
    "/api/matching//status",
    "//api/matching/status",
    "/api/matching/status%20",
    "/api/matching/%73tatus%2f",
    "/api%2fmatching%2fstatus",
)
_ADMIN = (
    "/api/admin/overview/",
    "/api/admin//overview",
    "/api/admin%2foverview",
    "/api/Admin/overview",
    "/api/admin/overview%20",
    "/api/admin;/overview",
    "/api/matching%2f..%2fadmin/overview",
)
_HIDDEN = (
    "/.env",
    "/.git/config",
    "/config/default.toml",
    "/wp-login.php",
    "/server-status",
    "/debug/pprof/",
    "/actuator/env",
    "/api/matching/events.php",
    "/static/index.py",
    "/phpinfo.php?x=1",
    "/cgi-bin/.%2e/.%2e/bin/sh",
)
_METHODS = ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND")
_LONGEST_URL = 4_096  # bytes


def _admin_by_a_walk(scene: Scene, number: int) -> bytes:
    """A path that some servers would make shorter."""
    paths = ("/api/matching/../admin/overview", "/api/matching/%2e%2e/admin/audit", "/./api/admin/users")
    return scene.send(f"GET {paths[number % 3]}")


def _absolute(scene: Scene, number: int) -> bytes:
    """As to a proxy: nothing is fetched from there."""
    return scene.send(f"GET http://127.0.0.1:9/evil-{number}")


def _of_scheme(scene: Scene, number: int) -> bytes:
    urls = ("ftp://127.0.0.1/x", "gopher://127.0.0.1:6379/_FLUSHALL")
    return scene.send(f"GET {urls[number % 2]}")


def _method(scene: Scene, number: int) -> bytes:
    method = _METHODS[number % len(_METHODS)]
    return scene.act(ACTIONS[number % len(ACTIONS)]).replace(b"POST ", method.encode() + b" ", 1)


def _action_by_get(scene: Scene, number: int) -> bytes:
    """A link or an image may make a browser send it."""
    return scene.ask(f"/api/matching/{('enqueue', 'skip', 'end', 'leave', 'heartbeat')[number % 5]}")


def _overriding(scene: Scene, number: int) -> bytes:
    header = ("X-HTTP-Method-Override: POST", "X-Method-Override: POST", "X-HTTP-Method: POST")[number % 3]
    return scene.ask("/api/matching/end?_method=POST", header)


def _long(scene: Scene, number: int) -> bytes:
    return scene.ask("/api/matching/status?x=" + "x" * (_LONGEST_URL + number % 1_000))


def _from(paths: tuple[str, ...]) -> Make:
    def make(scene: Scene, number: int) -> bytes:
        return scene.ask(paths[number % len(paths)].encode("latin-1"))

    return make


KINDS = [
    Kind(name="out of the folder of files", right=NOT_FOUND, make=_from(_UP)),
    Kind(name="odd spellings of a path", right=NOT_FOUND, make=_from(_ODD)),
    Kind(name="odd spellings of an admin path", right=NOT_FOUND, make=_from(_ADMIN)),
    Kind(name="files that others leave lying about", right=NOT_FOUND, make=_from(_HIDDEN)),
    Kind(name="a walk to an admin path", right=NOT_FOUND, make=_admin_by_a_walk),
    Kind(name="an absolute URL", right=NOT_FOUND, make=_absolute),
    Kind(name="a URL of another scheme", right=NOT_FOUND, make=_of_scheme),
    Kind(name="another method", right=WRONG_METHOD, make=_method),
    Kind(name="an action by GET", right=WRONG_METHOD, make=_action_by_get),
    Kind(name="a method by header", right=WRONG_METHOD, make=_overriding),
    Kind(name="a long URL", right=Right(status=414, code="uri_too_long"), make=_long, ends=True),
]
