"""Room names tell their pool and match, and nobody else's name is taken for one of ours."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dormparty_sse.domain.names import (
    POOL_PATTERN,
    is_check_room,
    new_check_room,
    new_id,
    parse_room_name,
    room_name,
)

POOLS = st.from_regex(POOL_PATTERN, fullmatch=True)


@given(POOLS)
def test_a_room_name_tells_its_pool_and_match(pool: str) -> None:
    session = new_id()
    assert parse_room_name(room_name(pool, session)) == (pool, session)


@given(st.text())
def test_any_other_name_is_not_ours_or_is_the_name_it_says(name: str) -> None:
    ours = parse_room_name(name)
    assert ours is None or room_name(*ours) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "dormparty",
        "dormparty.main",
        "dormparty.main.short",
        "dormparty.Main.0123456789abcdef",
        "dormparty.main.0123456789abcdef\n",
        "dormparty.main.0123456789abcdé",
        "dormparty.main.0123456789abcdef.x",
        "other.main.0123456789abcdef",
        "dormparty." + "x" * 33 + ".0123456789abcdef",
    ],
)
def test_what_only_looks_like_ours_is_not(name: str) -> None:
    assert parse_room_name(name) is None


def test_a_check_room_is_no_match_and_a_match_no_check_room() -> None:
    assert is_check_room(new_check_room())
    assert parse_room_name(new_check_room()) is None
    assert not is_check_room(room_name("main", new_id()))


def test_ids_are_long_url_safe_and_new() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22,}", one) for one in ids)  # 128 bits and more
