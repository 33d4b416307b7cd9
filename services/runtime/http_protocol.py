"""What uvicorn answers itself, before an application sees a request: input that is not HTTP, or too much of it."""

import asyncio
import json
import socket
from contextlib import suppress

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.contracts.problems import PROBLEM_MEDIA_TYPE, Problem, ProblemKind
from services.runtime.request_context import REQUEST_ID_HEADER, new_request_id

HEAD_TIMEOUT_S = 10.0
"""How long a client may take to send a request's line and headers."""

HEAD_LIMIT_BYTES = 64 * 1024
"""Most bytes of a request that are not its body: line, headers, framing of chunks, trailers."""

FRAMING_PER_BODY_BYTE = 8
"""What chunks may add to that for each byte that they carry: a byte alone in its chunk takes six."""

DISCARD_LIMIT_BYTES = 64 * 1024 * 1024
"""How much of a refused body is read and thrown away, so that its sender comes to read the answer."""


UNSENT_LIMIT_BYTES = 64 * 1024
"""What the kernel may hold for a client that reads too slowly. Without it that is megabytes: minutes of a feed."""

UNREAD_TIMEOUT_S = 60
"""How long a client may take nothing of what is sent before its connection is cut."""


class ProblemHttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits that it lacks, answering in problems like every other error."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for a first request."""
        self._requests = self._head_bytes = self._body_bytes = self._discarded_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        _limit_unread(transport)
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Hand data to the parser, and count what of it isn't body."""
        requests_before, body_before = self._requests, self._body_bytes
        super().data_received(data)
        if self._requests != requests_before:
            return  # a request began in this piece: which of its bytes are the new one's can't be told
        self._head_bytes += len(data) - (self._body_bytes - body_before)
        if self._head_bytes > HEAD_LIMIT_BYTES + FRAMING_PER_BODY_BYTE * self._body_bytes:
            self.send_400_response(f"The request's head has more than {HEAD_LIMIT_BYTES:,} bytes")

    def on_message_begin(self) -> None:
        """Count anew for each request."""
        self._requests += 1
        self._head_bytes = self._body_bytes = self._discarded_bytes = 0
        self._wait_for_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop waiting: the head is there."""
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Count the body; end a connection that goes on and on after its answer."""
        self._body_bytes += len(body)
        if self.cycle.response_complete:
            self._discarded_bytes += len(body)
            if self._discarded_bytes > DISCARD_LIMIT_BYTES:
                self.transport.close()
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """Answer 400 and close the connection; only close it where that would land inside an answer half sent."""
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            self.transport.close()
            return
        request_id = new_request_id()
        body = json.dumps(Problem(ProblemKind.BAD_REQUEST, msg).encode(request_id)).encode()
        head = (
            "HTTP/1.1 400 Bad Request\r\n"
            f"content-type: {PROBLEM_MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\n"
            f"{REQUEST_ID_HEADER.lower()}: {request_id}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
        self.transport.close()

    def _wait_for_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def _limit_unread(transport: asyncio.Transport) -> None:
    """Bound what waits for a slow client, and how long, where the system can: Linux and, in part, macOS."""
    connection = transport.get_extra_info("socket")
    if connection is None or connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    for name, value in (("TCP_NOTSENT_LOWAT", UNSENT_LIMIT_BYTES), ("TCP_USER_TIMEOUT", UNREAD_TIMEOUT_S * 1000)):
        option = getattr(socket, name, None)
        if option is not None:
            with suppress(OSError):  # the client has gone already
                connection.setsockopt(socket.IPPROTO_TCP, option, value)
