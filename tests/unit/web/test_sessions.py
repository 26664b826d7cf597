"""Session tokens: who signs, what is taken, and when a fresh one is due."""

import jwt
import pytest

from dormparty_sse.domain.clock import Clock
from dormparty_sse.domain.errors import Unauthenticated
from dormparty_sse.domain.models import UserRef
from dormparty_sse.domain.names import new_id
from dormparty_sse.web.sessions import SessionTokens

OLD, NEW, OTHER = (f"{word}-secret-of-the-tests-and-nothing-else" for word in ("old", "new", "other"))
USER = UserRef(user_id=new_id(), pool="main")
DEVICE = new_id()
TTL_S = 1000


class Time:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.now_s = 1_764_000_000.0
        self.clock = Clock(wall=lambda: self.now_s)


def tokens(time: Time, *secrets: str) -> SessionTokens:
    return SessionTokens(secrets, time.clock, ttl_s=TTL_S)


def test_the_first_secret_signs_and_each_is_taken() -> None:
    time = Time()
    before, between, after = tokens(time, OLD), tokens(time, NEW, OLD), tokens(time, NEW)
    old = before.sign(USER, DEVICE)
    assert between.read(old.token).user == USER
    new = between.sign(USER, DEVICE)
    assert after.read(new.token).device == DEVICE
    for tokens_of, token in ((after, old.token), (before, new.token), (tokens(time, OTHER), new.token)):
        with pytest.raises(Unauthenticated):
            tokens_of.read(token)


def test_what_an_older_secret_signed_is_renewed_at_once() -> None:
    time = Time()
    between = tokens(time, NEW, OLD)
    renewed = between.renewed(between.read(tokens(time, OLD).sign(USER, DEVICE).token))
    assert renewed
    assert (renewed.user, renewed.device) == (USER, DEVICE)
    assert tokens(time, NEW).read(renewed.token) == renewed
    assert between.renewed(renewed) is None


def test_a_session_is_renewed_past_half_its_life() -> None:
    time = Time()
    ours = tokens(time, NEW)
    session = ours.sign(USER, DEVICE)
    assert ours.renew_after_s(session) == TTL_S / 2
    time.now_s += TTL_S / 2 - 1
    assert ours.renewed(ours.read(session.token)) is None
    time.now_s += 2
    renewed = ours.renewed(ours.read(session.token))
    assert renewed
    assert renewed.expires_at > session.expires_at
    time.now_s += TTL_S / 2
    with pytest.raises(Unauthenticated):
        ours.read(session.token)
    assert ours.read(renewed.token).user == USER


def test_a_token_that_is_older_than_devices_gets_one() -> None:
    time = Time()
    ours = tokens(time, NEW)
    claims = {"iss": "dormparty-sse", "sub": USER.user_id, "pool": "main", "iat": 1, "exp": time.now_s + 900}
    session = ours.read(jwt.encode({**claims, "exp": int(time.now_s) + 900}, NEW, algorithm="HS256"))
    assert session.device == ""
    renewed = ours.renewed(session)
    assert renewed
    assert len(renewed.device) >= 22
