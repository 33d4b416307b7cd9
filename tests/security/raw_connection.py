"""Raw sockets against a service of ours, and what becomes of them."""

import json
import select
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

GIVEN_UP_S = 12.0
"""How long a connection is watched that should end: many times the deadlines in these tests."""

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
"""``ConnectionLimits`` for tests that wait for the end of a state."""


class StillOpenError(AssertionError):
    """The server didn't close a connection."""


@dataclass(frozen=True)
class Ending:
    """What a client saw until the server closed its connection.

    Attributes:
        seconds: Until the end.
        received: All that came.
    """

    seconds: float
    received: bytes

    @property
    def status(self) -> int:
        """The status of the first answer; 0 where there was none."""
        return int(self.received[9:12]) if self.received.startswith(b"HTTP/1.1 ") else 0

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the first answer, in lower case."""
        lines = self.received.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}

    @property
    def body(self) -> bytes:
        """What follows the first answer's head."""
        return self.received.partition(b"\r\n\r\n")[2]

    def problem(self) -> dict[str, Any]:
        """Return the first answer's problem, which must have all that problems have."""
        problem: dict[str, Any] = json.loads(self.body)
        assert self.headers["content-type"] == "application/problem+json"
        assert self.headers["connection"] == "close"
        assert self.headers["x-request-id"] == problem["request_id"]
        assert self.headers["x-content-type-options"] == "nosniff"
        assert self.headers["cross-origin-resource-policy"] == "same-origin"
        assert problem["status"] == self.status
        return problem


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), GIVEN_UP_S) as opened:
        yield opened


def received_with(opened: socket.socket, end: bytes) -> bytes:
    """Return what arrives, up to and with the end."""
    received = b""
    while end not in received:
        part = opened.recv(65536)
        assert part, f"closed after {received!r}"
        received += part
    return received


def until_closed(
    opened: socket.socket, sent: bytes, dribbled: bytes = b"", every_s: float = 0.1, given_up_s: float = GIVEN_UP_S
) -> Ending:
    """Send something, then a little again and again, until the server closes the connection.

    Raises:
        StillOpenError: It doesn't.
    """
    started, received = time.monotonic(), b""
    try:
        opened.sendall(sent)
        while time.monotonic() - started < given_up_s:
            if select.select([opened], [], [], every_s)[0]:
                part = opened.recv(65536)
                if not part:
                    return Ending(time.monotonic() - started, received)
                received += part
            elif dribbled:
                opened.sendall(dribbled)
    except (ConnectionResetError, BrokenPipeError):
        return Ending(time.monotonic() - started, received)
    raise StillOpenError(f"still open after {given_up_s:g} s; received {received[:200]!r}")


def ending(port: int, sent: bytes, dribbled: bytes = b"", given_up_s: float = GIVEN_UP_S) -> Ending:
    """Do the same over a new connection."""
    with connected(port) as opened:
        return until_closed(opened, sent, dribbled, given_up_s=given_up_s)


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
    """Return the opcodes and contents of a server's whole frames."""
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


def close_code(end: Ending) -> int:
    """Return the code with which the server closed a WebSocket."""
    assert end.status == 101
    opcode, data = frames(end.body)[-1]
    assert opcode == CLOSE, "the server closed without a reason"
    code: int = struct.unpack("!H", data[:2])[0]
    return code
