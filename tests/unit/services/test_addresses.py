"""Addresses: what counts as one place, and that nothing is kept that tells which."""

import pytest

from dormparty_sse.services.addresses import Addresses, whole


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:0:1:a:b:c:d", "2001:db8:0:1::/64"),
        ("2001:db8:0:1::2", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("/run/socket", "/run/socket"),
    ],
)
def test_an_ipv6_address_counts_by_its_network(address: str, place: str) -> None:
    assert whole(address) == place
    assert Addresses("secret").hashed(address) == Addresses("secret").hashed(place)


def test_a_hash_depends_on_the_address_and_the_secret_and_shows_neither() -> None:
    hashed = Addresses("secret").hashed("192.0.2.7")
    assert len({hashed, Addresses("secret").hashed("192.0.2.8"), Addresses("other").hashed("192.0.2.7")}) == 3
    assert hashed.isalnum()
    assert len(hashed) == 32
