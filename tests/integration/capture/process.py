"""Runs ``python -m services.capture`` as a user would, and looks at it from outside."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.waiting import wait_until

ROOT = Path(__file__).parents[3]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class CaptureProcess:
    """One capture process; use it as a context manager, so that it never outlives its test."""

    def __init__(self, log: Path, **settings: str) -> None:
        self.port = int(settings.setdefault("port", str(free_port())))
        clean = {name: value for name, value in os.environ.items() if not name.startswith("EMOTION_")}
        ours = {f"EMOTION_CAPTURE_{name.upper()}": value for name, value in settings.items()}
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", "services.capture"],
                env=clean | ours,
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> "CaptureProcess":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)

    @property
    def output(self) -> str:
        """All that it printed so far."""
        return self._log.read_text()

    def has_told(self, text: str, times: int) -> Callable[[], bool]:
        """Return a condition: it printed this text so often."""
        return lambda: self.output.count(text) == times

    def get(self, path: str) -> httpx.Response | None:
        """Return an answer, or none where there is no connection yet."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=5)
        except httpx.TransportError:
            return None

    def readiness(self) -> dict[str, Any]:
        """Return the body of ``/readyz``, empty while it doesn't listen."""
        assert self.process.poll() is None, self.output
        answer = self.get("/readyz")
        return {} if answer is None else dict(answer.json())

    def wait_ready(self, timeout_s: float = 15.0) -> None:
        """Wait until it says ready or degraded."""
        wait_until(lambda: self.readiness().get("status") in ("ready", "degraded"), "capture to be ready", timeout_s)

    def terminate(self) -> float:
        """Send SIGTERM, wait, assert status 0 and return the seconds that took."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(10) == 0, self.output
        return time.monotonic() - started

    def wait_exit(self) -> int:
        """Return its exit status."""
        return self.process.wait(15)

    def resident_mb(self) -> float:
        """Return its resident memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024
