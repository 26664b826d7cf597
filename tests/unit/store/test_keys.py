"""The keys that the contract names are named so."""

import pytest

from dormparty_sse.store.keys import pool_key


@pytest.mark.parametrize(
    ("name", "ids", "key"),
    [
        ("idle", (), "{main}:matching:idle"),
        ("waiting", (), "{main}:matching:waiting"),
        ("connecting", (), "{main}:matching:connecting"),
        ("in_call", (), "{main}:matching:in_call"),
        ("disconnecting", (), "{main}:matching:disconnecting"),
        ("user", ("ID",), "{main}:user:ID"),
        ("events", ("ID",), "{main}:user:ID:events"),
        ("log", ("ID",), "{main}:user:ID:log"),
        ("match", ("ID",), "{main}:match:ID"),
    ],
)
def test_a_key_of_the_contract(name: str, ids: tuple[str, ...], key: str) -> None:
    assert pool_key("main", name, *ids) == key
