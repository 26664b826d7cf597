"""Requests from other addresses of this machine."""

import aiohttp


def asking_from(address: str) -> aiohttp.ClientSession:
    """A client at an address of the loopback network, without cookies."""
    connector = aiohttp.TCPConnector(local_addr=(address, 0), limit=0)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
