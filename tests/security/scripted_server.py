"""Servers that a test scripts byte by byte, in place of a gateway or a camera."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

Send = Callable[[bytes], None]
Script = Callable[[Send], None]
"""Sends a response, status line included; ``Send`` raises ``OSError`` once the client has disconnected."""


def response(body: bytes, media_type: str = "application/json", status: int = 200, headers: str = "") -> bytes:
    """Return a complete response."""
    head = f"HTTP/1.1 {status} Any\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n{headers}"
    return f"{head}Connection: close\r\n\r\n".encode() + body


@contextmanager
def listening(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    """Handle each connection in a thread, and yield the port; ``OSError`` ends a connection."""

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            handle(connection)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]


@contextmanager
def scripted_camera(script: Script) -> Iterator[int]:
    """Run a script for each connection, whatever the request; yields the port."""

    def handle(connection: socket.socket) -> None:
        connection.recv(4096)
        script(connection.sendall)

    with listening(handle) as port:
        yield port


@contextmanager
def scripted_gateway(responses: Mapping[str, Script | bytes]) -> Iterator[str]:
    """Yield the URL of a server that selects a response by the prefix of the path."""

    def handle(connection: socket.socket) -> None:
        path = _read_request(connection).split(b" ")[1].decode()
        answer = next((answer for prefix, answer in responses.items() if path.startswith(prefix)), b"")
        if isinstance(answer, bytes):
            connection.sendall(answer)
        else:
            answer(connection.sendall)

    with listening(handle) as port:
        yield f"http://127.0.0.1:{port}"


def _read_request(connection: socket.socket) -> bytes:
    """Return a request, once its body is read."""
    request = _receive(connection)
    while b"\r\n\r\n" not in request:
        request += _receive(connection)
    head, _, body = request.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().splitlines() if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += _receive(connection)
    return request


def _receive(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionResetError
    return data
