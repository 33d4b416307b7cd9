"""A server in the gateway's place that answers as a test says, byte for byte."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

Send = Callable[[bytes], None]
Answer = Callable[[Send], None] | bytes
"""Sends an answer, head and all; raises ``OSError`` once the client has gone."""


def response(body: bytes, media_type: str = "application/json", status: int = 200, headers: str = "") -> bytes:
    """Return a whole answer."""
    head = f"HTTP/1.1 {status} Any\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n{headers}"
    return f"{head}Connection: close\r\n\r\n".encode() + body


@contextmanager
def hostile_server(answers: Mapping[str, Answer]) -> Iterator[str]:
    """Yield the address of a server whose answers are found by how a path begins."""

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                asked = _request(connection)
                path = asked.split(b" ")[1].decode()
                answer = next((answer for begin, answer in answers.items() if path.startswith(begin)), b"")
                if isinstance(answer, bytes):
                    connection.sendall(answer)
                else:
                    answer(connection.sendall)
            except (OSError, IndexError):
                pass

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def _request(connection: socket.socket) -> bytes:
    """Return a request, its body read to the end."""
    asked = b""
    while b"\r\n\r\n" not in asked:
        asked += connection.recv(65536) or _gone()
    head, _, body = asked.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().splitlines() if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536) or _gone()
    return asked


def _gone() -> bytes:
    raise ConnectionResetError
