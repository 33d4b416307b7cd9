"""A real server in a process of its own."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import httpx

WAIT_S = 40.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = WAIT_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout_s} s in vain: {what}"
        time.sleep(0.05)


class ServerProcess:
    """``python -m services.serving`` with flags; ends with the ``with`` block, whatever happens in it."""

    def __init__(self, name: str, base: Path, log: Path, *, rest: bool = True, extra: tuple[str, ...] = ()) -> None:
        self.name = name
        self.port = free_port()
        self.rest_port = free_port() if rest else 0
        self._log = log
        self._flags = [f"--port={self.port}", "--rest_api_port", str(self.rest_port), f"--model_name={name}"]
        self._flags += ["--model_base_path", str(base), *extra]

    def __enter__(self) -> "ServerProcess":
        with self._log.open("w") as log:
            self.process = subprocess.Popen([sys.executable, "-m", "services.serving", *self._flags], stderr=log)
        self.channel = grpc.insecure_channel(
            f"127.0.0.1:{self.port}",
            options=[
                ("grpc.max_reconnect_backoff_ms", 200),
                ("grpc.max_send_message_length", -1),
                ("grpc.max_receive_message_length", -1),
            ],
        )
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.rest_port}", timeout=WAIT_S)
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()
        self.http.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    @property
    def log(self) -> str:
        return self._log.read_text()

    def wait_for_grpc(self) -> None:
        grpc.channel_ready_future(self.channel).result(WAIT_S)

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def wait_until_ready(self) -> "ServerProcess":
        wait_until(self.is_ready, "readiness")
        return self
