"""What a kind of bad request is, and the right answer to it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.hostile.scene import Scene
from tests.support.wire import Answer

Make = Callable[[Scene, int], bytes]

_MEMBERS = {"type", "title", "status", "detail", "code", "requestId"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """The one right answer."""

    status: int
    code: str = ""  #: Of the problem; empty: the request does no harm, and the answer is no problem.


HARMLESS = Right(status=200)
MALFORMED = Right(status=400, code="invalid_request")
UNAUTHENTICATED = Right(status=401, code="unauthenticated")
MISMATCH = Right(status=403, code="user_mismatch")
FORBIDDEN = Right(status=403, code="forbidden")
FOREIGN_ORIGIN = Right(status=403, code="forbidden_origin")
NOT_FOUND = Right(status=404, code="not_found")
WRONG_METHOD = Right(status=405, code="method_not_allowed")
WRONG_STATE = Right(status=409, code="invalid_state")
TOO_LARGE = Right(status=413, code="payload_too_large")
INVALID = Right(status=422, code="invalid_request")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Requests that are bad in one way. Each number makes another one."""

    name: str
    right: Right
    make: Make
    ends: bool = False  #: After the answer nothing more on the connection can be understood: it is closed.

    def wrong(self, answers: Sequence[Answer]) -> str:
        """What is wrong with the answers to one of them; empty if nothing is."""
        if len(answers) != 1:
            return f"{len(answers)} answers: {[answer.status for answer in answers]}"
        (answer,) = answers
        if answer.status != self.right.status:
            return f"{answer.status}: {answer.body[:300]!r}"
        return self._wrong_problem(answer) if self.right.code else ""

    def _wrong_problem(self, answer: Answer) -> str:
        if not answer.request_id:
            return f"no X-Request-Id: {answer.head!r}"
        if answer.content_type != "application/problem+json":
            return f"no problem: {answer.head!r} {answer.body[:300]!r}"
        if not answer.body:  # to HEAD
            return ""
        problem = answer.json()
        right = {"status": answer.status, "code": self.right.code, "requestId": answer.request_id}
        if not (problem.keys() >= _MEMBERS and right.items() <= problem.items()):
            return f"another problem: {problem}"
        return "a traceback" if b"Traceback" in answer.body else ""


def variants(name: str, right: Right, *requests: Callable[[Scene], bytes], ends: bool = False) -> Kind:
    """A kind with a few requests, which come in turn."""
    return Kind(
        name=name,
        right=right,
        make=lambda scene, number: requests[number % len(requests)](scene),
        ends=ends,
    )
