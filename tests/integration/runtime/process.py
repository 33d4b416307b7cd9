"""Runs the tiny service as a process of its own, as ``make run`` and a container would."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import httpx

ROOT = Path(__file__).parents[3]
PATIENCE_S = 15
T = TypeVar("T")


def wait_until(look: Callable[[], T], what: str, seconds: float = PATIENCE_S) -> T:
    """Return the first true thing that a look finds."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.01)
    return found


class Service:
    """One process and what it logged so far."""

    def __init__(self, process: "subprocess.Popen[bytes]", log_file: Path) -> None:
        self.process = process
        self._log_file = log_file

    def log(self) -> str:
        return self._log_file.read_text("utf-8")

    def wait_for_log(self, text: str) -> None:
        wait_until(lambda: text in self.log() or self.process.poll() is not None, f"{text!r} in the log")
        assert text in self.log(), f"the process ended; its log: {self.log()}"

    @property
    def port(self) -> int:
        self.wait_for_log("listening on")
        found = re.search(r"listening on 127\.0\.0\.1 port (\d+)", self.log())
        assert found is not None
        return int(found[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def exit_status(self, seconds: float = PATIENCE_S) -> int:
        return self.process.wait(seconds)

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=PATIENCE_S, trust_env=False)

    @contextmanager
    def raw(self) -> "Iterator[RawConnection]":
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE_S) as opened:
            yield RawConnection(opened)


class RawConnection:
    """A socket, for what no HTTP client would send."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def read_until(self, end: bytes) -> bytes:
        """Return what arrives, up to and with the end."""
        got = b""
        while end not in got:
            part = self._socket.recv(65536)
            assert part, f"closed after {got!r}"
            got += part
        return got

    def read_to_close(self) -> bytes:
        """Return all that arrives until the other side closes."""
        return b"".join(iter(lambda: self._socket.recv(65536), b""))


class StartService(Protocol):
    def __call__(self, **settings: str) -> Service: ...


@contextmanager
def services_in(folder: Path) -> Iterator[StartService]:
    """Give a function that starts services; end those that still run."""
    started: list[Service] = []

    def start(**settings: str) -> Service:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("EMOTION_")}
        environment.update({f"EMOTION_TINY_{name.upper()}": value for name, value in settings.items()})
        log_file = folder / f"{len(started)}.log"
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.tiny_service"], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        started.append(Service(process, log_file))
        return started[-1]

    try:
        yield start
    finally:
        for service in started:
            service.process.kill()
            service.process.wait()
