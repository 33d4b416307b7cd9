"""Raw TCP connections to a service, for requests that no HTTP client sends."""

import json
import select
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

TIMEOUT_S = 12.0
"""How long to wait for the server to close a connection; many times the deadlines in these tests."""

SHORT_LIMITS = {
    "head_s": 1.0,
    "idle_s": 0.8,
    "body_s": 1.2,
    "discard_s": 0.8,
    "handshake_s": 1.0,
    "message_s": 1.0,
    "unsent_s": 0.7,
    "close_s": 0.5,
    "min_bytes_per_s": 1_000_000,
}
"""``ConnectionLimits`` for tests that wait for a timeout."""


class StillOpenError(AssertionError):
    """The server didn't close a connection."""


@dataclass(frozen=True)
class ClosedConnection:
    """The data of a connection that the server has closed.

    Attributes:
        seconds: Time until it was closed.
        received: All bytes received.
    """

    seconds: float
    received: bytes

    @property
    def status(self) -> int:
        """The status of the first response; 0 if there was none."""
        return int(self.received[9:12]) if self.received.startswith(b"HTTP/1.1 ") else 0

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the first response, with lower-case names."""
        lines = self.received.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}

    @property
    def body(self) -> bytes:
        """The bytes after the head of the first response."""
        return self.received.partition(b"\r\n\r\n")[2]

    def problem(self) -> dict[str, Any]:
        """Return the problem in the first response; assert the members and headers of every problem."""
        problem: dict[str, Any] = json.loads(self.body)
        assert self.headers["content-type"] == "application/problem+json"
        assert self.headers["connection"] == "close"
        assert self.headers["x-request-id"] == problem["request_id"]
        assert self.headers["x-content-type-options"] == "nosniff"
        assert self.headers["cross-origin-resource-policy"] == "same-origin"
        assert problem["status"] == self.status
        return problem


@contextmanager
def open_connection(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as opened:
        yield opened


def receive_until(opened: socket.socket, end: bytes) -> bytes:
    """Return the bytes received up to and including ``end``."""
    received = b""
    while end not in received:
        part = opened.recv(65536)
        assert part, f"closed after {received!r}"
        received += part
    return received


def send_until_closed(
    opened: socket.socket,
    sent: bytes,
    repeated: bytes = b"",
    interval_s: float = 0.1,
    timeout_s: float = TIMEOUT_S,
) -> ClosedConnection:
    """Send bytes once, then others repeatedly, until the server closes the connection.

    Raises:
        StillOpenError: The connection is still open after the timeout.
    """
    started, received = time.monotonic(), b""
    try:
        opened.sendall(sent)
        while time.monotonic() - started < timeout_s:
            if select.select([opened], [], [], interval_s)[0]:
                part = opened.recv(65536)
                if not part:
                    return ClosedConnection(time.monotonic() - started, received)
                received += part
            elif repeated:
                opened.sendall(repeated)
    except (ConnectionResetError, BrokenPipeError):
        return ClosedConnection(time.monotonic() - started, received)
    raise StillOpenError(f"still open after {timeout_s:g} s; received {received[:200]!r}")


def exchange(port: int, sent: bytes, repeated: bytes = b"", timeout_s: float = TIMEOUT_S) -> ClosedConnection:
    """Do the same on a new connection."""
    with open_connection(port) as opened:
        return send_until_closed(opened, sent, repeated, timeout_s=timeout_s)


def request(method: str = "GET", path: str = "/healthz", *headers: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def handshake(path: str = "/ws/predict", *headers: str) -> bytes:
    return request(
        "GET",
        path,
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version: 13",
        *headers,
    )


CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def frame(opcode: int, data: bytes = b"", final: bool = True) -> bytes:
    """Return a client's WebSocket frame (RFC 6455, 5.2), masked with zeros."""
    head = bytes([(0x80 if final else 0) | opcode])
    if len(data) < 126:
        head += bytes([0x80 | len(data)])
    elif len(data) < 65536:
        head += bytes([0x80 | 126]) + struct.pack("!H", len(data))
    else:
        head += bytes([0x80 | 127]) + struct.pack("!Q", len(data))
    return head + bytes(4) + data


def frames(received: bytes) -> list[tuple[int, bytes]]:
    """Return the opcode and payload of each complete frame of the server."""
    found = []
    while len(received) >= 2:
        length, at = received[1] & 127, 2
        if length == 126:
            length, at = struct.unpack("!H", received[2:4])[0], 4
        elif length == 127:
            length, at = struct.unpack("!Q", received[2:10])[0], 10
        found.append((received[0] & 15, received[at : at + length]))
        received = received[at + length :]
    return found


def close_code(end: ClosedConnection) -> int:
    """Return the close code of the server."""
    assert end.status == 101
    opcode, data = frames(end.body)[-1]
    assert opcode == CLOSE, "the server closed without a reason"
    code: int = struct.unpack("!H", data[:2])[0]
    return code
