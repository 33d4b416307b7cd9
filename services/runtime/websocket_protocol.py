"""uvicorn's WebSocket protocol with deadlines and limits on what clients send.

Only services with WebSockets import it, since only they install ``websockets``.
"""

import asyncio
import logging
import math
from collections import deque
from typing import Any

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.datastructures import Headers
from websockets.frames import CloseCode, Frame
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import StatusLike

from services.contracts.problems import Problem, ProblemKind
from services.runtime.connections import MessageLimits, ServerConfig, TimedConnection
from services.runtime.http_messages import problem_bytes, problem_parts
from services.runtime.http_protocol import SILENT_LOGGER
from services.runtime.limits import BudgetExceededError, Lease, TokenBucket

EXTENSION = "emotion.message_limits"
"""The ASGI extension: under ``set`` it has a function that takes the limits and the part of the budget."""


def limit_messages(websocket: WebSocket, limits: MessageLimits, budget: Lease | None = None) -> None:
    """Let a client send other messages than a feed's; call it before the connection is accepted.

    Args:
        websocket: The connection.
        limits: Of its messages.
        budget: Its part of a budget, for the messages that are received or answered. Where that has no room the
            connection ends with the code 1013.
    """
    extension = websocket.scope.get("extensions", {}).get(EXTENSION)
    if extension is not None:  # else the server is another, as in tests
        extension["set"](limits, budget)


_log = logging.getLogger(__name__)


class LimitedWebSocketProtocol(TimedConnection, WebSocketsSansIOProtocol):
    """One WebSocket, from its handshake on."""

    def __init__(
        self,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._application, self.app = self.app, self._run
        self.logger = SILENT_LOGGER
        self.limits, self.rejections, self._connections = config.limits, config.rejections, config.connections
        self.close_timeout = self.limits.close_s
        now = self.loop.time()
        self._message_limits = MessageLimits()
        self._budget: Lease | None = None
        self._messages: TokenBucket | None = None
        self.conn = _Handshake(logger=SILENT_LOGGER)
        self._set_limits(self._message_limits, None)
        self._control_frames = TokenBucket(self._message_limits.control_frames_per_s, now)
        self._accepted = False
        self._unparsed = bytearray()
        self._frame_left = 0
        self._fragments = self._fragment_bytes = self._completed = 0
        self._queued_bytes = deque[int]()
        self._with_application_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start to wait for the application to accept."""
        super().connection_made(transport)
        self.deadline = self.loop.time() + self.limits.handshake_s

    def connection_lost(self, exc: Exception | None) -> None:
        """Release what the client held."""
        self._connections.remove(self)
        self._drop_received()
        if self._budget is not None:
            self._budget.resize(0)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Receive the handshake, which uvicorn passes on, and then frames."""
        if not self.handshake_initiated:
            super().data_received(data)
            if not self.handshake_initiated:
                self.rejections.count("handshake")
                problem = Problem(ProblemKind.BAD_REQUEST, "The WebSocket's handshake is not valid")
                self.transport.write(problem_bytes(problem))
                self.transport.close()
            return
        self._unparsed += data
        if not self._accepted:
            self.transport.pause_reading()  # until the application accepts
        self._parse()

    def handle_connect(self, event: Request) -> None:
        """Let the application set the limits of messages."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            self.scope["extensions"][EXTENSION] = {"set": self._set_limits}

    async def send(self, message: Any) -> None:
        """Send a message of the application; once it accepts, read what has arrived in the meantime.

        Raises:
            ClientDisconnected: The connection is closed, by the client or because of what the client sent.
        """
        try:
            await super().send(message)
        except RuntimeError:
            # uvicorn raises this if an application sends after its own close; here the protocol may have closed.
            if self.close_sent and message["type"] in ("websocket.send", "websocket.close"):
                raise ClientDisconnected from None
            raise
        if message["type"] == "websocket.accept" and self.handshake_complete and not self.transport.is_closing():
            self._accepted = True
            self.deadline = math.inf
            if self._unparsed:
                self.transport.resume_reading()
                self._parse()

    async def receive(self) -> Any:
        """Return the next message; the application has finished the one before."""
        self._with_application_bytes = 0
        self._hold()
        message = await super().receive()
        if message["type"] == "websocket.receive" and self._queued_bytes:
            self._with_application_bytes = self._queued_bytes.popleft()
        self._parse()
        return message

    def handle_text(self, event: Frame) -> None:
        """Start a message."""
        self._start_message(event)
        super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        """Start a message."""
        self._start_message(event)
        super().handle_bytes(event)

    def handle_cont(self, event: Frame) -> None:
        """Continue a message, within the limit of fragments."""
        self._fragments += 1
        self._fragment_bytes += len(event.data)
        if self._fragments > self._message_limits.fragments + self._fragment_bytes // 1024:
            self._end("fragments", CloseCode.POLICY_VIOLATION, "too many fragments")
        elif not self.close_sent:
            super().handle_cont(event)

    def handle_ping(self) -> None:
        """Answer a ping, within the limit of control frames."""
        if self._is_control_frame_allowed():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """Accept a pong, within the limit of control frames."""
        if self._is_control_frame_allowed():
            super().handle_pong(event)

    def send_receive_event_to_app(self) -> None:
        """Pass a complete message to the application, within the limit of messages."""
        self._completed += 1
        if self.close_sent:
            self.frames = []
            return
        if self._messages is not None and not self._messages.take(self.loop.time()):
            self._end("messages", CloseCode.POLICY_VIOLATION, "too many messages")
            return
        self._queued_bytes.append(self._fragment_bytes)
        self._fragment_bytes = 0
        super().send_receive_event_to_app()

    def on_deadline(self, now: float) -> None:
        """End a handshake that isn't accepted, or a message that isn't complete."""
        if not self._accepted:
            self.rejections.count("handshake-timeout")
            self.transport.close()
        elif self.read_paused:
            self.deadline = now + self.limits.message_s  # the application is busy with an earlier message
        else:
            self._end("message-timeout", CloseCode.POLICY_VIOLATION, "a message took too long")

    def _parse(self) -> None:
        """Parse frames up to the first complete message; the next one waits for the application."""
        if not self._accepted:
            return
        while not self.read_paused and not self.transport.is_closing():
            if not self._frame_left:
                self._frame_left = frame_bytes(self._unparsed)
            piece = self._unparsed[: self._frame_left]
            if not piece:
                break
            del self._unparsed[: self._frame_left]
            self._frame_left -= len(piece)
            completed = self._completed
            super().data_received(piece)  # type: ignore[arg-type]  # websockets takes bytearrays as well
            self._hold()
            if self._completed != completed:
                self.deadline = math.inf
            elif self.deadline != math.inf:
                self.record_transfer(len(piece), self.limits.message_s)
        if not self._unparsed and not self._frame_left and self.conn.current_size is None:
            self.deadline = math.inf
        elif self.deadline == math.inf:
            self.start_timer(self.limits.message_s)

    def _hold(self) -> None:
        """Hold as much of the budget as the client's messages take."""
        if self._budget is None or self.disconnected:
            return
        received = len(self.conn.reader.buffer) + self._fragment_bytes
        try:
            self._budget.resize(received + sum(self._queued_bytes) + self._with_application_bytes)
        except BudgetExceededError:
            self._end("budget", CloseCode.TRY_AGAIN_LATER, "too much is being received")

    def _drop_received(self) -> None:
        """Free the memory at once: the connection's objects form reference cycles, which are collected much later."""
        self._unparsed = bytearray()
        self.frames = []
        self.conn.reader.discard()
        waiting = [self.queue.get_nowait() for _ in range(self.queue.qsize())]
        for message in waiting:
            if message["type"] != "websocket.receive":
                self.queue.put_nowait(message)

    def _start_message(self, event: Frame) -> None:
        self._fragments, self._fragment_bytes = 1, len(event.data)

    def _is_control_frame_allowed(self) -> bool:
        if not self._control_frames.take(self.loop.time()):
            self._end("control-frames", CloseCode.POLICY_VIOLATION, "too many pings and pongs")
            return False
        return not self.transport.is_closing()

    def _end(self, reason: str, code: CloseCode, text: str) -> None:
        """Close the connection because of what the client sent."""
        if self.transport.is_closing():
            return
        self.rejections.count(reason)
        if self.close_sent:
            self.transport.close()
            return
        self.conn.fail(code, text)
        self.handle_parser_exception()
        self._drop_received()

    def _set_limits(self, limits: MessageLimits, budget: Lease | None) -> None:
        now = self.loop.time()
        self._message_limits = limits
        self._messages = None if limits.messages_per_s is None else TokenBucket(limits.messages_per_s, now)
        self._control_frames = TokenBucket(limits.control_frames_per_s, now)
        self._budget = budget
        self.conn.max_message_size = limits.max_bytes

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application and log unhandled errors. uvicorn then rejects the handshake."""
        try:
            await self._application(scope, receive, send)
        except ClientDisconnected:
            raise
        except Exception:
            _log.exception("a WebSocket failed")
            raise


def frame_bytes(received: bytearray) -> int:
    """Return the size of the frame that begins a client's data (RFC 6455, 5.2); 0 while its head isn't complete."""
    if len(received) < 2:
        return 0
    length, head_bytes = received[1] & 127, 6 if received[1] & 128 else 2
    if length < 126:
        return head_bytes + length
    length_bytes = 2 if length == 126 else 8
    if len(received) < head_bytes + length_bytes:
        return 0
    return head_bytes + length_bytes + int.from_bytes(received[2 : 2 + length_bytes])


class _Handshake(ServerProtocol):
    """websockets' protocol, which rejects handshakes with problems."""

    def reject(self, status: StatusLike, text: str) -> Response:
        """Return the response for a rejected handshake."""
        answer = super().reject(status, text)
        kind = ProblemKind.INTERNAL if answer.status_code >= 500 else ProblemKind.BAD_REQUEST
        detail = "Internal server error" if kind is ProblemKind.INTERNAL else text.strip() or answer.reason_phrase
        headers, body = problem_parts(Problem(kind, detail))
        phrase = answer.reason_phrase if answer.status_code == kind.status else "Bad Request"
        return Response(kind.status, phrase, Headers(headers), body)
