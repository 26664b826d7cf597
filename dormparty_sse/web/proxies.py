"""Proxies that speak for others: who they say is asking, how and where, is believed from known ones alone."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from aiohttp_remotes import XForwardedFiltered

CAME_BY_HTTPS = web.RequestKey("came_by_https", bool)  #: Set where a trusted proxy has told.
Network = IPv4Network | IPv6Network


def forwarded_by(trusted: Iterable[Network]) -> Middleware:
    """Sets `remote`, `scheme` and `host` of what a trusted proxy forwards to what it says of them.

    Goes by X-Forwarded-For, -Proto and -Host. The connection's own end (web/peer.py) stays what it is.
    Raises HTTPBadRequest where a trusted proxy's headers cannot be read.
    """
    networks = tuple(trusted)
    forwarded = XForwardedFiltered(networks)

    @web.middleware
    async def believe_proxies(request: web.Request, handler: Handler) -> web.StreamResponse:
        async def note(forwarded_request: web.Request) -> web.StreamResponse:
            # Those who see the answer have the request as it came.
            request[CAME_BY_HTTPS] = forwarded_request.secure
            return await handler(forwarded_request)

        # The library looks at the addresses inside the header, not at who has sent it.
        if networks and is_among(networks, request.remote):
            return await forwarded.middleware(request, note)
        return await handler(request)

    return believe_proxies


def is_among(networks: Iterable[Network], peer: str | None) -> bool:
    """Is this end of a connection in one of the networks?"""
    if not peer:  # gone already
        return False
    address = ip_address(peer)
    if isinstance(address, IPv6Address) and address.ipv4_mapped:  # a socket that takes both kinds
        address = address.ipv4_mapped
    return any(address in network for network in networks)
