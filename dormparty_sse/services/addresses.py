"""Addresses of people, as far as they are kept: as keyed hashes, which tell nobody where they are."""

import hashlib
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

_REMEMBERED = 4_096
_NETWORK_BITS = 64  # whoever has an IPv6 address has at least so many more


class Addresses:
    """Hashes addresses. With another secret they are others."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.blake2b(secret.encode(), digest_size=32).digest()
        self.hashed = lru_cache(_REMEMBERED)(self._hash)

    def _hash(self, address: str) -> str:
        return hashlib.blake2b(whole(address).encode(), key=self._key, digest_size=16).hexdigest()


def whole(address: str) -> str:
    """What stands for somebody's place: the IPv4 address, or the /64 of an IPv6 address.

    What is no address, such as a path or nothing at all, stands for itself.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped:  # a socket that takes both kinds
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> _NETWORK_BITS << _NETWORK_BITS)) + f"/{_NETWORK_BITS}"
