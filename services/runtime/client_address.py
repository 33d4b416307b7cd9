"""Which addresses count as one client."""

import ipaddress

_IPV6_NETWORK_BITS = 64
"""One customer has at least this much of IPv6 (RFC 6177): single addresses of it can't be told from one client."""


def address_group(host: str) -> str:
    """Return an IPv4 address itself and an IPv6 address's /64 network, as text; other text as it came."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if address.version == 4:
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), _IPV6_NETWORK_BITS), strict=False))


def is_local(host: str) -> bool:
    """Tell whether an address is of this machine; so is an empty one, which a Unix socket has."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return not host
    mapped = address.ipv4_mapped if address.version == 6 else None
    return (mapped or address).is_loopback
