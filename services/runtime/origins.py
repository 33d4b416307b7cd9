"""Protection against cross-origin requests and DNS rebinding.

Any web page can make a browser send requests to any address that the browser reaches, 127.0.0.1 included. The browser
adds ``Origin`` (RFC 6454) and, for HTTPS and for this machine, ``Sec-Fetch-*`` (W3C, Fetch Metadata). Pages can't
remove or change these headers. A request without them comes from a program, or from an old browser over plain HTTP;
against the latter the response headers keep pictures from the page.

The check of ``Host`` prevents DNS rebinding: if ``evil.example`` resolves to 127.0.0.1, its pages have the service's
origin in the browser's view, but their requests name ``evil.example``.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

from prometheus_client import CollectorRegistry, Counter
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.contracts.problems import Problem, ProblemKind
from services.runtime.problems import problem_response

ANY = "*"
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\s:/@?#\[\]]+)(?::([0-9]{1,5}))?")
_ORIGIN = re.compile(r"(https?)://(.+)")
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_OURS = ("same-origin", "none")
"""Values of ``Sec-Fetch-Site`` for the service's own pages and for typed addresses."""
_ANY_HOST_PATHS = ("/healthz", "/readyz", "/v2/health/live", "/v2/health/ready")
"""Paths that load balancers request under any name. They reveal nothing about cameras."""
MAX_HOST_CHARACTERS = 253 + len(":65535")
"""A DNS name has at most 253 characters (RFC 1035, 3.1)."""
MAX_ORIGIN_CHARACTERS = len("https://") + MAX_HOST_CHARACTERS
_DENIAL = "websocket.http.response"
_POLICY_VIOLATION = 1008
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RequestOrigin:
    """The target and the origin of a request or of a WebSocket handshake.

    Attributes:
        method: The HTTP method; ``GET`` for a handshake.
        path: Without the query.
        host: The header ``Host``; None if it is missing, which HTTP/1.0 allows.
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
class OriginPolicy:
    """Which hosts and origins a service answers, beyond programs and its own pages.

    Attributes:
        hosts: Names of this service, in addition to ``localhost`` and every IP address, which can't be rebound.
            ``*.example.org`` stands for all names under it, ``*`` for all names.
        origins: Origins of other web pages; ``*`` for all.
        prefix: Of the variables that set the two, for messages.
    """

    hosts: frozenset[str] = field(default_factory=frozenset)
    origins: frozenset[str] = field(default_factory=frozenset)
    prefix: str = ""

    def allows_host(self, host: str) -> bool:
        """Tell whether the value of a header ``Host`` names this service."""
        if len(host) > MAX_HOST_CHARACTERS:
            return False
        parts = _HOST.fullmatch(host.lower())
        if parts is None:
            return False
        name = parts[1].removesuffix(".")
        return name == "localhost" or _is_address(name) or any(_matches(name, pattern) for pattern in self.hosts)

    def allows_origin(self, origin: str) -> bool:
        """Tell whether pages of this origin may call."""
        return ANY in self.origins or (len(origin) <= MAX_ORIGIN_CHARACTERS and origin.lower() in self.origins)


def check_origin(head: RequestOrigin, policy: OriginPolicy) -> Problem | None:
    """Return the problem of a request that must be refused, or None."""
    if head.host is not None and head.path not in _ANY_HOST_PATHS and not policy.allows_host(head.host):
        return Problem(
            ProblemKind.UNKNOWN_HOST,
            f"{head.host[:255]!r} is not a name of this service"
            + (f"; {policy.prefix}ALLOWED_HOSTS lists its names" if policy.prefix else ""),
        )
    if _is_foreign(head, policy):
        page = "A page of another origin" if head.origin in (None, "null") else f"A page of {head.origin[:255]!r}"
        remedy = f"; {policy.prefix}CORS_ORIGINS lists the origins that may" if policy.prefix else ""
        return Problem(ProblemKind.CROSS_ORIGIN_FORBIDDEN, f"{page} may not call this service{remedy}")
    return None


def _is_foreign(head: RequestOrigin, policy: OriginPolicy) -> bool:
    if ANY in policy.origins:
        return False
    if head.origin is not None:
        return not (
            policy.allows_origin(head.origin)
            or _is_same_origin(head.origin, head.host)
            or head.site == "same-origin"  # behind a proxy that puts its own name in Host
        )
    # An image, a frame or a fetch without CORS sends no Origin. A link that a person follows is allowed: the page
    # that holds the link can't read the tab that opens.
    return head.site is not None and head.site not in _OURS and not _is_followed_link(head)


def _is_followed_link(head: RequestOrigin) -> bool:
    return head.method in ("GET", "HEAD") and head.mode == "navigate" and head.dest == "document"


def _is_same_origin(origin: str, host: str | None) -> bool:
    """Compare name and port. The scheme is left out, since a proxy may have taken TLS off."""
    if host is None or len(origin) > MAX_ORIGIN_CHARACTERS or len(host) > MAX_HOST_CHARACTERS:
        return False
    parts = _ORIGIN.fullmatch(origin.lower())
    if parts is None:
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


def _matches(name: str, pattern: str) -> bool:
    return pattern in (ANY, name) or (pattern.startswith("*.") and name.endswith(pattern[1:]))


def answer_headers(policy: OriginPolicy) -> Mapping[str, str]:
    """Return the headers of every answer.

    They keep a response from pages of other origins even if the browser sends no origin: such a page
    can't show it as an image, run it as a script, or frame it.
    """
    return {
        "Cross-Origin-Resource-Policy": "cross-origin" if ANY in policy.origins else "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "SAMEORIGIN",
    }


class OriginGuard:
    """ASGI middleware that checks ``Host`` and origin of each request and handshake.

    It is inside ``RequestContext``, which counts the refusals and gives them a request id.
    """

    def __init__(self, app: ASGIApp, policy: OriginPolicy, registry: CollectorRegistry) -> None:
        self._app = app
        self._policy = policy
        self._headers = answer_headers(policy)
        self._refused = Counter(
            "http_origin_rejected",
            "Requests rejected because of their Host or Origin header",
            ["reason"],
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one connection on to the application, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", f"{_DENIAL}.start"):
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        problem = check_origin(request_origin(scope), self._policy)
        if problem is None:
            await self._app(scope, receive, send_with_headers)
        else:
            await self._refuse(problem, scope, receive, send_with_headers)

    async def _refuse(self, problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
        reason = problem.kind.type.rpartition(":")[2]
        self._refused.labels(reason).inc()
        _log.debug("%r refused: %s", scope["path"], problem.detail)
        if scope["type"] == "websocket":
            await receive()  # the handshake
            if _DENIAL not in scope.get("extensions", {}):
                await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": reason})
                return
        await problem_response(scope, problem)(scope, receive, send)


def request_origin(scope: Scope) -> RequestOrigin:
    """Return the parts that the check needs. A repeated header, which no browser sends, matches nothing."""
    headers = Headers(scope=scope)

    def value(name: str) -> str | None:
        return ", ".join(headers.getlist(name)) if name in headers else None

    return RequestOrigin(
        method=scope.get("method", "GET"),
        path=scope["path"],
        host=value("host"),
        origin=value("origin"),
        site=value("sec-fetch-site"),
        mode=value("sec-fetch-mode"),
        dest=value("sec-fetch-dest"),
    )
