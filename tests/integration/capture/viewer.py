"""Looks at Redis as the gateway does: by the contracts only."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import redis

from services.contracts.cameras import CAMERAS_KEY, CameraStatus, status_key
from services.contracts.frames import FrameMessage, frames_key


class Viewer:
    """What Redis holds of cameras."""

    def __init__(self, url: str) -> None:
        self.redis = redis.Redis.from_url(url, protocol=2, socket_timeout=2, driver_info=None)

    def newest(self, camera: str = "cam0") -> tuple[str, FrameMessage] | None:
        """Return the newest frame and its id, or none."""
        entries: Any = self.redis.xrevrange(frames_key(camera), count=1)
        return (entries[0][0].decode(), FrameMessage.decode(entries[0][1])) if entries else None

    def status(self, camera: str = "cam0") -> CameraStatus | None:
        """Return the camera's heartbeat, or none."""
        fields: Any = self.redis.hgetall(status_key(camera))
        return CameraStatus.decode(fields) if fields else None

    def cameras(self) -> dict[str, float]:
        """Return the cameras there are, and their last heartbeat by Redis's clock."""
        pairs: Any = self.redis.zrange(CAMERAS_KEY, 0, -1, withscores=True)
        return {name.decode(): seconds for name, seconds in pairs}

    def status_is(self, holds: Callable[[CameraStatus], bool], camera: str = "cam0") -> Callable[[], bool]:
        """Return a condition: there is a status, and this holds of it."""

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
