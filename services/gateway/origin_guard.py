"""Refuses web pages from elsewhere, over HTTP and WebSocket, and tells browsers whom answers are for."""

import logging
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.contracts.problems import Problem
from services.gateway.origins import ANY, Allowed, RequestHead, refusal
from services.runtime.problems import problem_response
from services.runtime.request_context import REQUEST_ID_HEADER, request_id_of

_log = logging.getLogger(__name__)
_DENIAL = "websocket.http.response"
_POLICY_VIOLATION = 1008


def answer_headers(allowed: Allowed) -> Mapping[str, str]:
    """Return the headers of every answer, pictures above all.

    They keep an answer from pages elsewhere even where a browser doesn't say whence it asks: such a page may
    not show it as an image, take it for a script, or frame it.
    """
    return {
        "Cross-Origin-Resource-Policy": "cross-origin" if ANY in allowed.origins else "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "SAMEORIGIN",
    }


class OriginGuard:
    """ASGI middleware, the outermost: what it refuses reaches nothing of ours."""

    def __init__(self, app: ASGIApp, allowed: Allowed, registry: CollectorRegistry) -> None:
        self._app = app
        self._allowed = allowed
        self._headers = answer_headers(allowed)
        self._refused = Counter(
            "gateway_refused", "Requests refused for where they came from or went to", ["reason"], registry=registry
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

        problem = refusal(request_head(scope), self._allowed)
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
        request_id = request_id_of(Headers(scope=scope))
        await problem_response(problem, request_id, {REQUEST_ID_HEADER: request_id})(scope, receive, send)


def request_head(scope: Scope) -> RequestHead:
    """Return what the decision needs. A header that stands there twice, which no browser sends, matches nothing."""
    headers = Headers(scope=scope)

    def value(name: str) -> str | None:
        return ", ".join(headers.getlist(name)) if name in headers else None

    return RequestHead(
        method=scope.get("method", "GET"),
        path=scope["path"],
        host=value("host"),
        origin=value("origin"),
        site=value("sec-fetch-site"),
        mode=value("sec-fetch-mode"),
        dest=value("sec-fetch-dest"),
    )
