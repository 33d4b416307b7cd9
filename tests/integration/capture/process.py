"""Runs ``python -m services.capture`` as a user would, and looks at it from outside."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from launcher.ports import free_port
from tests.processes import ModuleProcess
from tests.waiting import wait_until


class CaptureProcess(ModuleProcess):
    """One capture process, to which warnings are errors."""

    def __init__(self, log: Path, **settings: str) -> None:
        self.port = int(settings.setdefault("port", str(free_port())))
        ours = {f"EMOTION_CAPTURE_{name.upper()}": value for name, value in settings.items()}
        super().__init__("services.capture", log, {"PYTHONWARNINGS": "error", **ours})

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def has_told(self, text: str, times: int) -> Callable[[], bool]:
        """Return a condition: it printed this text so often."""
        return lambda: self.log().count(text) == times

    def get(self, path: str) -> httpx.Response | None:
        """Return an answer, or none where there is no connection yet."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=5, trust_env=False)
        except httpx.TransportError:
            return None

    def readiness(self) -> dict[str, Any]:
        """Return the body of ``/readyz``, empty while it doesn't listen."""
        assert not self.has_ended(), self.log()
        answer = self.get("/readyz")
        return {} if answer is None else dict(answer.json())

    def wait_until_ready(self) -> None:
        """Wait until it says ready or degraded."""
        wait_until(lambda: self.readiness().get("status") in ("ready", "degraded"), "capture to be ready")

    def seconds_to_stop(self) -> float:
        """Send SIGTERM, assert status 0 and return the seconds that took."""
        started = time.monotonic()
        assert self.terminate() == 0, self.log()
        return time.monotonic() - started
