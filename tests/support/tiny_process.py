"""The tiny service as a process."""

import re
import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

import httpx

from tests.support.processes import ModuleProcess
from tests.support.waiting import DEFAULT_TIMEOUT_S


class Service(ModuleProcess):
    """A tiny service on a free port."""

    def __init__(self, log: Path, **settings: str) -> None:
        ours = {f"EMOTION_TINY_{name.upper()}": value for name, value in {"allowed_hosts": "tiny", **settings}.items()}
        super().__init__("tests.support.tiny_service", log, ours)

    @property
    def port(self) -> int:
        self.wait_until_logged("listening on")
        found = re.search(r"listening on 127\.0\.0\.1 port (\d+)", self.log())
        assert found is not None
        return int(found[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=DEFAULT_TIMEOUT_S, trust_env=False)

    @contextmanager
    def raw(self) -> "Iterator[RawConnection]":
        with socket.create_connection(("127.0.0.1", self.port), DEFAULT_TIMEOUT_S) as opened:
            yield RawConnection(opened)


class RawConnection:
    """A socket, for requests that no HTTP client sends."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def read_until(self, end: bytes) -> bytes:
        """Return the bytes received up to and including ``end``."""
        got = b""
        while end not in got:
            part = self._socket.recv(65536)
            assert part, f"closed after {got!r}"
            got += part
        return got

    def send_until_closed(self, data: bytes, at_most: int) -> bytes:
        """Send the same data repeatedly until the server closes the connection; return the received bytes."""
        got = b""
        for _ in range(at_most):
            try:
                self._socket.sendall(data)
                if select.select([self._socket], [], [], 0.05)[0]:
                    part = self._socket.recv(65536)
                    if not part:
                        return got
                    got += part
            except (ConnectionResetError, BrokenPipeError):
                return got
        raise AssertionError(f"still open after {at_most * len(data):,} bytes")

    def read_to_close(self) -> bytes:
        """Return all bytes until the server closes the connection."""
        return b"".join(iter(lambda: self._socket.recv(65536), b""))


class StartService(Protocol):
    def __call__(self, **settings: str) -> Service: ...


@contextmanager
def services_in(folder: Path) -> Iterator[StartService]:
    """Yield a function that starts services; end those that are still running."""
    with ExitStack() as started:

        def start(**settings: str) -> Service:
            log = folder / f"{len(list(folder.iterdir()))}.log"
            return started.enter_context(Service(log, **settings))

        yield start
