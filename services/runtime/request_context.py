"""The outermost middleware of every request: request id, log line, metrics, and the handling of unexpected errors."""

import asyncio
import logging
import re
import time
import uuid
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose, WebSocketDisconnect
from uvicorn.protocols.utils import ClientDisconnected

from services.contracts.problems import Problem, ProblemKind, ServiceError
from services.runtime.metrics import HttpMetrics
from services.runtime.problems import problem_response

REQUEST_ID_HEADER = "X-Request-ID"
_CLOSED = "the handler is closed"
_CLIENT_LEFT = 499
"""Status that nginx logs if the client disconnects before its answer."""
_SWITCHED = 101
_FAILED = 1011
"""The WebSocket close code for a server's failure (RFC 6455, 7.4.1)."""
_FAILURE_DETAIL = "The failure was logged under this request id"
_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_log = logging.getLogger(__name__)


class _Exchange:
    """One HTTP request and its response.

    Attributes:
        request_id: The id that the response carries.
        status: The status that was sent; None until the response begins.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.request_id = request_id_of(Headers(scope=scope))
        self.status: int | None = None
        self._client_left = False
        self._scope, self._receive, self._send = scope, receive, send
        scope.setdefault("state", {})["request_id"] = self.request_id

    @property
    def final_status(self) -> int:
        """The status for the log and the metrics."""
        return _CLIENT_LEFT if self._client_left or self.status is None else self.status

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" and self.status is None:
            self._client_left = True
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message)[REQUEST_ID_HEADER] = self.request_id
        try:
            await self._send(message)
        except RuntimeError as error:
            if _CLOSED in str(error):  # uvloop's message for a connection that the client has closed
                raise ClientDisconnect from error
            raise

    async def send_problem(self, kind: ProblemKind, detail: str) -> None:
        await problem_response(self._scope, Problem(kind, detail))(self._scope, self._receive, self.send)


def _log_failure(request_id: str, scope: Scope) -> None:
    _log.exception("request %s failed", request_id, extra={"request_id": request_id, "path": scope["path"]})


class RequestContext:
    """ASGI middleware.

    A caller's ``X-Request-ID`` is kept if it is valid, so that a request has one id in all services; otherwise a new
    one is made. The id is in ``request.state.request_id`` and in the response's headers.
    """

    def __init__(self, app: ASGIApp, metrics: HttpMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one connection on to the application."""
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        started = time.perf_counter()
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            pass  # the client has left, and nothing failed
        except asyncio.CancelledError:
            if exchange.status is not None:
                _log.warning("request %s was cancelled during its response", exchange.request_id)
                return
            await exchange.send_problem(ProblemKind.STOPPING, "The service stopped before the answer was ready")
        except Exception as error:
            if exchange.status is not None and isinstance(error.__cause__ or error, ServiceError):
                return  # the body of a streaming request exceeds a limit; the server closes the connection
            _log_failure(exchange.request_id, scope)
            if exchange.status is not None:
                raise  # the response has started: only closing the connection signals the error
            await exchange.send_problem(ProblemKind.INTERNAL, _FAILURE_DETAIL)
        finally:
            self._record(scope, exchange.request_id, exchange.final_status, time.perf_counter() - started)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = request_id_of(Headers(scope=scope))
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.perf_counter()
        status: int | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] in ("websocket.accept", "websocket.http.response.start"):
                status = message.get("status", _SWITCHED)
                message = {**message, "headers": list(message.get("headers", ()))}
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except (WebSocketDisconnect, ClientDisconnect, ClientDisconnected):
            pass  # the last one is uvicorn's, for a client that disconnects before the handshake ends
        except Exception:
            _log_failure(request_id, scope)
            if status is None:
                problem = Problem(ProblemKind.INTERNAL, _FAILURE_DETAIL)
                await problem_response(scope, problem)(scope, receive, send_with_id)
            elif status == _SWITCHED:
                await WebSocketClose(_FAILED, f"Failed; logged under {request_id}")(scope, receive, send)
        finally:
            self._record(scope, request_id, status or _CLIENT_LEFT, time.perf_counter() - started)

    def _record(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        route: Any = scope.get("route")
        template = getattr(route, "path", "unmatched")
        method = scope.get("method", "WEBSOCKET")
        self._metrics.observe(method, template, status, seconds)
        # repr, since a path may hold line breaks; a query may hold a key and is never logged
        _log.debug("%s %r %s in %.1f ms, request %s", method, scope["path"], status, seconds * 1e3, request_id)


def new_request_id() -> str:
    """Return a unique request id."""
    return uuid.uuid4().hex


def request_id_of(headers: Headers) -> str:
    """Return the request's own id if it is valid, else a new one."""
    given = headers.get(REQUEST_ID_HEADER, "")
    return given if _ACCEPTED_ID.fullmatch(given) else new_request_id()
