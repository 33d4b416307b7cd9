"""Which client a connection counts for."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.requests import HTTPConnection

IPV6_PREFIX_BITS = 64
"""A client's IPv6 network has 2**64 addresses (RFC 6177): they count as one."""
UNKNOWN = "unknown"
"""The group of everything that is no IP address: a unix socket, or a name that a proxy made up."""


def address_group(host: str | None) -> str:
    """Return what all addresses of one client have in common: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        address = ip_address((host or "").partition("%")[0].strip("[]"))
    except ValueError:
        return UNKNOWN
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        if address.is_loopback:
            return str(address)
        return str(ip_network((int(address), IPV6_PREFIX_BITS), strict=False))
    return str(address)


def client_of(request: HTTPConnection) -> str:
    """Return what a request counts for: what authentication left in ``request.state.client``, else its address."""
    client = getattr(request.state, "client", None)
    return client if isinstance(client, str) else address_group(request.client.host if request.client else None)


def parse_networks(texts: Sequence[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return addresses and networks such as ``10.0.0.7`` or ``172.16.0.0/12``.

    Raises:
        ValueError: A text is neither; the message names it.
    """
    networks = []
    for text in texts:
        try:
            networks.append(ip_network(text, strict=False))
        except ValueError as error:
            raise ValueError(f"{text[:64]!r} is no IP address or network such as 172.16.0.0/12") from error
    return tuple(networks)


def is_local(host: str) -> bool:
    """Tell whether an address is of this machine; so is an empty one, which a Unix socket has."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return not host
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback
