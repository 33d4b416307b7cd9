"""``python -m services.capture`` as a process, and the data of its cameras in Redis."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from launcher.ports import free_port
from services.contracts.cameras import CAMERAS_KEY, CameraStatus, status_key
from services.contracts.frames import FrameMessage, frames_key
from services.runtime.redis_client import redis_client
from tests.support.processes import ModuleProcess
from tests.support.waiting import wait_until


class CaptureProcess(ModuleProcess):
    """A capture process in which warnings are errors."""

    def __init__(self, log: Path, **settings: str) -> None:
        self.port = int(settings.setdefault("port", str(free_port())))
        ours = {f"EMOTION_CAPTURE_{name.upper()}": value for name, value in settings.items()}
        super().__init__("services.capture", log, {"PYTHONWARNINGS": "error", **ours})

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def has_logged(self, text: str, times: int) -> Callable[[], bool]:
        """Return a condition: the log contains this text so many times."""
        return lambda: self.log().count(text) == times

    def get(self, path: str) -> httpx.Response | None:
        """Return a response, or None if there is no connection yet."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=5, trust_env=False)
        except httpx.TransportError:
            return None

    def readiness(self) -> dict[str, Any]:
        """Return the body of ``/readyz``; empty until the process listens."""
        assert not self.has_ended(), self.log()
        answer = self.get("/readyz")
        return {} if answer is None else dict(answer.json())

    def wait_until_ready(self) -> None:
        """Wait until the status is ready or degraded."""
        wait_until(lambda: self.readiness().get("status") in ("ready", "degraded"), "capture to be ready")

    def seconds_to_stop(self) -> float:
        """Send SIGTERM, assert status 0 and return the seconds that took."""
        started = time.monotonic()
        assert self.terminate() == 0, self.log()
        return time.monotonic() - started


class Viewer:
    """Reads the data of cameras in Redis."""

    def __init__(self, url: str) -> None:
        self.redis = redis_client(url, timeout_s=2)

    def newest(self, camera: str = "cam0") -> tuple[str, FrameMessage] | None:
        """Return the newest frame and its id, or None."""
        entries: Any = self.redis.xrevrange(frames_key(camera), count=1)
        return (entries[0][0].decode(), FrameMessage.decode(entries[0][1])) if entries else None

    def status(self, camera: str = "cam0") -> CameraStatus | None:
        """Return the camera's status, or None."""
        fields: Any = self.redis.hgetall(status_key(camera))
        return CameraStatus.decode(fields) if fields else None

    def cameras(self) -> dict[str, float]:
        """Return the cameras and their last heartbeats by Redis's clock."""
        pairs: Any = self.redis.zrange(CAMERAS_KEY, 0, -1, withscores=True)
        return {name.decode(): seconds for name, seconds in pairs}

    def status_is(self, holds: Callable[[CameraStatus], bool], camera: str = "cam0") -> Callable[[], bool]:
        """Return a condition: the camera has a status, and the predicate is true for it."""

        def condition() -> bool:
            status = self.status(camera)
            return status is not None and holds(status)

        return condition


@contextmanager
def viewing(url: str) -> Iterator[Viewer]:
    viewer = Viewer(url)
    try:
        yield viewer
    finally:
        viewer.redis.close()
