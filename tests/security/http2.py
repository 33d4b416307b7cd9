"""A minimal HTTP/2 client for malformed gRPC calls: it writes frames without the checks of a library."""

import socket
from types import TracebackType
from typing import Self

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _GOAWAY = 0, 1, 3, 4, 7
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1


class Http2Connection:
    """A connection to a gRPC server on 127.0.0.1."""

    def __init__(self, port: int, timeout_s: float = 10.0, window: int | None = None) -> None:
        """Connect and send the preface.

        Args:
            port: Where the server listens.
            timeout_s: Time limit for a read.
            window: Initial flow control window of each stream, in bytes; None for HTTP/2's default.
        """
        self._socket = socket.create_connection(("127.0.0.1", port), timeout_s)
        self._next_stream = 1
        settings = b"" if window is None else (4).to_bytes(2, "big") + window.to_bytes(4, "big")
        self._socket.sendall(_PREFACE + _frame(_SETTINGS, 0, 0, settings))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def call(self, path: bytes, data: bytes, *, end: bool = True, more: tuple[tuple[bytes, bytes], ...] = ()) -> int:
        """Start a call and return its stream id; ``end`` sets END_STREAM."""
        stream = self._next_stream
        self._next_stream += 2
        headers = ((b":method", b"POST"), (b":scheme", b"http"), (b":path", path), (b":authority", b"localhost"))
        grpc = ((b"content-type", b"application/grpc"), (b"te", b"trailers"))
        block = b"".join(_literal(name, value) for name, value in (*headers, *grpc, *more))
        self._socket.sendall(_frame(_HEADERS, _END_HEADERS, stream, block))
        for start in range(0, len(data), 16384):
            self._socket.sendall(_frame(_DATA, 0, stream, data[start : start + 16384]))
        if end:
            self._socket.sendall(_frame(_DATA, _END_STREAM, stream, b""))
        return stream

    def is_closed(self) -> bool:
        """Return whether the server closes the connection within the time limit of a read."""
        try:
            while self._socket.recv(65536):
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True

    def wait_for_answer(self) -> None:
        """Read until the server responds, resets the stream or closes the connection."""
        while (kind := self._read_frame()) is not None and kind not in (_HEADERS, _RESET, _GOAWAY):
            pass

    def _read_frame(self) -> int | None:
        head = self._read(9)
        if head is None or self._read(int.from_bytes(head[:3], "big")) is None:
            return None
        if head[3] == _SETTINGS and not head[4] & _ACK:
            self._socket.sendall(_frame(_SETTINGS, _ACK, 0, b""))
        return head[3]

    def _read(self, count: int) -> bytes | None:
        got = b""
        while len(got) < count:
            piece = self._socket.recv(count - len(got))
            if not piece:
                return None
            got += piece
        return got


def message(payload: bytes, *, compressed: bool = False, length: int | None = None) -> bytes:
    """Return a payload with gRPC's length prefix; ``length`` overrides the real length."""
    return bytes([compressed]) + (len(payload) if length is None else length).to_bytes(4, "big") + payload


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _literal(name: bytes, value: bytes) -> bytes:
    return b"\x10" + _hpack_string(name) + _hpack_string(value)


def _hpack_string(text: bytes) -> bytes:
    length = len(text)
    if length < 127:
        return bytes([length]) + text
    length -= 127
    out = bytearray([127])
    while length > 127:
        out.append(length & 127 | 128)
        length >>= 7
    out.append(length)
    return bytes(out) + text
