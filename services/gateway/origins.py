"""Whose eyes may see: tells a web page from elsewhere apart from our own pages and from programs.

A browser sends any page's requests to any address it can reach, 127.0.0.1 included, and says where they
come from: ``Origin`` (RFC 6454), and towards HTTPS and this machine ``Sec-Fetch-*`` (W3C, Fetch Metadata).
A page can leave out neither, nor change them. What has neither is no browser, or an old one that goes
through plain HTTP; there the headers of ``origin_guard`` keep pictures away from the page.

``Host`` guards against DNS rebinding: a page of ``evil.example`` whose name is made to mean 127.0.0.1 is
of the same origin as we are, for the browser, but its requests name ``evil.example``.
"""

import re
from dataclasses import dataclass, field
from ipaddress import ip_address

from services.contracts.problems import Problem, ProblemKind

ANY = "*"
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\s:/@?#\[\]]+)(?::([0-9]{1,5}))?")
_ORIGIN = re.compile(r"(https?)://(.+)")
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_OURS = ("same-origin", "none")
"""Values of ``Sec-Fetch-Site``: our own page, or a person who typed the address."""
_FROM_ANYWHERE = ("/healthz", "/readyz", "/v2/health/live", "/v2/health/ready")
"""Load balancers ask these by whatever name they have; they tell nothing of what cameras see."""


@dataclass(frozen=True)
class RequestHead:
    """What a request, or a WebSocket's handshake, says of where it comes from and goes to.

    Attributes:
        method: The HTTP method; ``GET`` for a handshake.
        path: Without the query.
        host: The header ``Host``; None where there is none, which HTTP/1.0 allows.
        origin: The header ``Origin``.
        site: The header ``Sec-Fetch-Site``.
        mode: The header ``Sec-Fetch-Mode``.
        dest: The header ``Sec-Fetch-Dest``.
    """

    method: str
    path: str
    host: str | None = None
    origin: str | None = None
    site: str | None = None
    mode: str | None = None
    dest: str | None = None


@dataclass(frozen=True)
class Allowed:
    """What settings allow beyond programs and our own pages.

    Attributes:
        hosts: Names that this service goes by, besides ``localhost`` and every IP address: an address can't be
            rebound. ``*.example.org`` stands for all names under it, ``*`` for all names.
        origins: Origins of other web pages; ``*`` for all.
    """

    hosts: frozenset[str] = field(default_factory=frozenset)
    origins: frozenset[str] = field(default_factory=frozenset)

    def knows_host(self, host: str) -> bool:
        """Tell whether the value of a header ``Host`` names this service."""
        parts = _HOST.fullmatch(host.lower())
        if parts is None:
            return False
        name = parts[1].removesuffix(".")
        names = {name, ANY, *(f"*{name[dot.start() :]}" for dot in re.finditer(r"\.", name))}
        return name == "localhost" or _is_address(name) or not names.isdisjoint(self.hosts)

    def knows_origin(self, origin: str) -> bool:
        """Tell whether pages of this origin may call."""
        return ANY in self.origins or origin.lower() in self.origins


def refusal(head: RequestHead, allowed: Allowed) -> Problem | None:
    """Return why a request may not be answered; None where it may."""
    if head.host is not None and head.path not in _FROM_ANYWHERE and not allowed.knows_host(head.host):
        return Problem(
            ProblemKind.UNKNOWN_HOST,
            f"{head.host[:255]!r} is no name of this service; EMOTION_GATEWAY_ALLOWED_HOSTS lists its names",
        )
    if _is_foreign(head, allowed):
        whose = "A page from elsewhere" if head.origin in (None, "null") else f"A page of {head.origin[:255]!r}"
        return Problem(
            ProblemKind.FOREIGN_ORIGIN,
            f"{whose} may not ask; EMOTION_GATEWAY_CORS_ORIGINS lists the origins that may",
        )
    return None


def _is_foreign(head: RequestHead, allowed: Allowed) -> bool:
    if ANY in allowed.origins:
        return False
    if head.origin is not None:
        return not (
            allowed.knows_origin(head.origin)
            or _is_same_origin(head.origin, head.host)
            or head.site == "same-origin"  # behind a proxy that puts its own name for ours
        )
    # An image, a frame or a fetch that may not see the answer brings no Origin. A person who follows a link is
    # welcome: the page that holds the link can't look into the tab that opens.
    return head.site is not None and head.site not in _OURS and not _is_followed_link(head)


def _is_followed_link(head: RequestHead) -> bool:
    return head.method in ("GET", "HEAD") and head.mode == "navigate" and head.dest == "document"


def _is_same_origin(origin: str, host: str | None) -> bool:
    """Compare name and port. The scheme is left out, since a proxy may have taken TLS off."""
    parts = _ORIGIN.fullmatch(origin.lower())
    if parts is None or host is None:
        return False
    page, ours = _HOST.fullmatch(parts[2]), _HOST.fullmatch(host.lower())
    if page is None or ours is None:
        return False
    default = _DEFAULT_PORTS[parts[1]]
    return (page[1], page[2] or default) == (ours[1], ours[2] or default)


def _is_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
