"""uvicorn's HTTP protocol with a deadline for every state of a connection and limits on what it reads."""

import asyncio
import logging
import math
import socket
from contextlib import suppress
from enum import Enum
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from services.contracts.problems import Problem, ProblemKind
from services.runtime.connections import ServerConfig, TimedConnection
from services.runtime.http_messages import (
    SECURITY_HEADERS,
    RequestHeadError,
    check_handshake,
    check_head,
    has_body,
    problem_bytes,
)
from services.runtime.problems import problem_json_response
from services.runtime.request_context import REQUEST_ID_HEADER, new_request_id

MAX_CHUNK_BYTES = 16 * 1024
"""Most bytes that are parsed at once. It bounds the requests that are started before a limit on them is checked."""

FRAMING_PER_BODY_BYTE = 8
"""Bytes that chunks may add to a head's limit for each byte of the body: a chunk of one byte takes six."""

MAX_UNSENT_BYTES = 64 * 1024
"""Most bytes that the kernel buffers for a slow client. The default is megabytes: minutes of a feed."""

UNREAD_TIMEOUT_S = 60
"""How long a client may acknowledge nothing before the system closes its connection."""

SILENT_LOGGER = logging.Logger("uvicorn", logging.CRITICAL + 1)
"""Drops what uvicorn logs about single requests: it is counted, or logged by the application."""

_log = logging.getLogger(__name__)


class _Reading(Enum):
    """What the client is expected to send next."""

    REQUEST = "request"
    HEAD = "head"
    BODY = "body"


class ProblemHttpProtocol(TimedConnection, HttpToolsProtocol):
    """One connection. Requests that it rejects itself are answered with a problem, like every other error."""

    def __init__(
        self,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = SILENT_LOGGER
        self.limits, self.rejections, self._connections = config.limits, config.rejections, config.connections
        self._reading = _Reading.REQUEST
        self._running: RequestResponseCycle | None = None
        self._requests = self._framing_bytes = self._body_bytes = self._discarded_bytes = 0
        self._ignoring = self._upgrading = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Start to wait for a first request, or reject the connection."""
        super().connection_made(transport)
        _limit_unread(transport)
        if self._connections.admit(self, self.client[0] if self.client else ""):
            self.deadline = self.loop.time() + self.limits.head_s
        else:
            self._ignoring = True
            transport.write(problem_bytes(Problem(ProblemKind.OVERLOADED, "There are too many connections")))
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify all requests of the connection."""
        self._connections.remove(self)
        super().connection_lost(exc)
        # uvicorn notifies only the latest one
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()
        self.pipeline.clear()

    def data_received(self, data: bytes) -> None:
        """Parse the data in pieces."""
        at = 0
        while at < len(data) and not self._ignoring and not self.transport.is_closing():
            piece = data if len(data) <= MAX_CHUNK_BYTES else memoryview(data)[at : at + MAX_CHUNK_BYTES]
            at += self._parse(piece)
            if self._upgrading:
                self._upgrade(data[at:])
                return

    def _parse(self, piece: bytes | memoryview) -> int:
        """Parse one piece; return how many of its bytes were HTTP."""
        requests, body_bytes = self._requests, self._body_bytes
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrading = self._should_upgrade()
            parsed: int = upgrade.args[0]
            return parsed
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(
                cause
                if isinstance(cause, RequestHeadError)
                else RequestHeadError("malformed", "It could not be parsed")
            )
            return len(piece)
        if self._requests == requests:  # otherwise it is unknown which bytes belong to the new request
            self._framing_bytes += len(piece) - (self._body_bytes - body_bytes)
            if self._framing_bytes > self.limits.max_head_bytes + FRAMING_PER_BODY_BYTE * self._body_bytes:
                self._refuse(self._too_large())
        return len(piece)

    def on_message_begin(self) -> None:
        """Count from zero for each request."""
        self._requests += 1
        self._framing_bytes = self._body_bytes = self._discarded_bytes = 0
        self._reading = _Reading.HEAD
        self.deadline = self.loop.time() + self.limits.head_s
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header; drop trailers, which uvicorn would add to the request's headers."""
        if self._reading is _Reading.HEAD:
            if len(self.headers) >= self.limits.max_headers:
                raise RequestHeadError("head-too-large", f"The request has more than {self.limits.max_headers} headers")
            name = name.lower()
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Check the head, and start the application or wait for earlier responses."""
        version, method = self.parser.get_http_version(), self.parser.get_method()
        if check_head(version, method, self.url, self.headers) > self.limits.max_head_bytes:
            raise self._too_large()
        if self.parser.should_upgrade():
            self._check_upgrade(version, method)
        if len(self.pipeline) >= self.limits.max_pipelined:
            raise RequestHeadError(
                "pipelined", f"More than {self.limits.max_pipelined} requests wait for their answers"
            )
        super().on_headers_complete()
        self._reading = _Reading.BODY
        self.start_timer(self.limits.body_s)
        self._connections.mark_active(self)

    def on_body(self, body: bytes) -> None:
        """Count the body, and drop it if its request was answered already."""
        self._body_bytes += len(body)
        if self.cycle.response_complete:
            self._discarded_bytes += len(body)
            if self._discarded_bytes > self.limits.max_discarded_bytes:
                self.rejections.count("discarded")
                self.transport.close()
        else:
            self.record_transfer(len(body), self.limits.body_s)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for the application, or for the next request if it has answered already."""
        self._reading = _Reading.REQUEST
        self.deadline = self.loop.time() + self.limits.idle_s if self._is_answered() else math.inf
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Start the next request, or wait for it. It replaces uvicorn's method, whose timer is reset by any byte."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        if not self.pipeline:
            self.flow.resume_reading()
        if self._is_answered():
            if self._reading is not _Reading.HEAD:  # which has its deadline already
                self.deadline = self.loop.time() + (
                    self.limits.idle_s if self._reading is _Reading.REQUEST else self.limits.discard_s
                )
            self._connections.mark_idle(self)

    def on_deadline(self, now: float) -> None:
        """Close the connection, unless the body waits for the application."""
        if self._reading is _Reading.BODY and not self.cycle.response_complete and self.flow.read_paused:
            self.deadline = now + self.limits.body_s
            return
        if self._reading is not _Reading.REQUEST:
            self.rejections.count(f"{self._reading.value}-timeout")
        self.transport.close()

    def handle_websocket_upgrade(self) -> None:
        """Pass the connection on to the WebSocket protocol, which is counted instead of this one."""
        super().handle_websocket_upgrade()
        successor = self.transport.get_protocol()
        assert isinstance(successor, TimedConnection)
        self._connections.replace(self, successor)

    def _is_answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _upgrade(self, rest: bytes) -> None:
        self.handle_websocket_upgrade()
        if rest and not self.transport.is_closing():
            self.transport.get_protocol().data_received(rest)  # type: ignore[attr-defined]  # any protocol, says typeshed

    def _check_upgrade(self, version: str, method: bytes) -> None:
        # The parser would read a body here as another request.
        if has_body(self.headers):
            raise RequestHeadError("upgrade", "A request with a body can't ask for another protocol")
        if self._should_upgrade():
            check_handshake(version, method, self.url, self.headers)
            if not self._is_answered():
                raise RequestHeadError("handshake", "An earlier request of the connection is being answered")

    def _too_large(self) -> RequestHeadError:
        return RequestHeadError(
            "head-too-large", f"The request's head has more than {self.limits.max_head_bytes:,} bytes"
        )

    def _refuse(self, error: RequestHeadError) -> None:
        """Stop reading, answer if possible, and close."""
        self.rejections.count(error.reason)
        self._ignoring = True
        if self._reading is _Reading.BODY:
            self._refuse_body(error)
        elif self._is_answered():
            self._answer_refusal(error)
        else:
            self._close_after(self.cycle)

    def _refuse_body(self, error: RequestHeadError) -> None:
        running = self._running
        if running is not self.cycle and running is not None:
            self.pipeline.popleft()  # the latest request, which has only a part of its body
            self._close_after(self.pipeline[0][0] if self.pipeline else running)
        elif self.cycle.response_started:
            self.transport.close()
        else:
            self._answer_refusal(error)

    def _answer_refusal(self, error: RequestHeadError) -> None:
        self.transport.write(problem_bytes(Problem(ProblemKind.BAD_REQUEST, str(error))))
        self.transport.close()

    def _close_after(self, cycle: RequestResponseCycle) -> None:
        """Close the connection when this request and those before it are answered."""
        cycle.keep_alive = False
        self.deadline = math.inf
        self._connections.mark_active(self)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # noqa: ARG002 - uvicorn's signature
        self._running = cycle
        super()._start_asgi_task(cycle, self._run)

    async def _run(self, scope: Any, receive: Any, send: Any) -> None:
        """Run the application; answer an unhandled error with a problem."""
        cycle = self._running  # it stays the same until it is answered
        assert cycle is not None
        try:
            await self.app(scope, receive, send)
        except BaseException as error:
            if cycle.response_started:
                self.transport.close()  # the client sees a cut connection; the reason was logged
                return
            request_id = new_request_id()
            _log.exception("request %s failed", request_id, extra={"request_id": request_id})
            kind = ProblemKind.STOPPING if isinstance(error, asyncio.CancelledError) else ProblemKind.INTERNAL
            problem = Problem(kind, "The failure was logged under this request id")
            headers = {REQUEST_ID_HEADER: request_id, **SECURITY_HEADERS, "Connection": "close"}
            await problem_json_response(problem, request_id, headers)(scope, receive, send)


def _limit_unread(transport: asyncio.Transport) -> None:
    """Bound the unsent bytes of a slow client, and for how long: on Linux and, in part, macOS."""
    connection = transport.get_extra_info("socket")
    if connection is None or connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    for name, value in (("TCP_NOTSENT_LOWAT", MAX_UNSENT_BYTES), ("TCP_USER_TIMEOUT", UNREAD_TIMEOUT_S * 1000)):
        option = getattr(socket, name, None)
        if option is not None:
            with suppress(OSError):  # the client has gone already
                connection.setsockopt(socket.IPPROTO_TCP, option, value)
