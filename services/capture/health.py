"""Readiness checks of capture, and the Prometheus metrics of its cameras."""

import asyncio
from collections.abc import Iterable, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from services.capture.camera import Camera
from services.capture.publisher_thread import StatusStore
from services.contracts.cameras import CameraState
from services.runtime.health import Check


class NotReadyError(Exception):
    """A check failed; the message is the reason."""


class RedisAnswers:
    """Redis answers a ping."""

    required = True

    def __init__(self, store: StatusStore) -> None:
        self._store = store

    async def __call__(self) -> str:
        """Ping Redis."""
        await asyncio.to_thread(self._store.ping)
        return "reachable"


class CameraOnline:
    """One camera delivers frames. Capture stays ready without it if another camera does."""

    required = False

    def __init__(self, camera: Camera) -> None:
        self._camera = camera

    async def __call__(self) -> str:
        """Return the camera's frame rate."""
        status = self._camera.status()
        if not status.state.has_frames:
            raise NotReadyError(f"{status.state.value}: {status.last_error or 'no frame yet'}")
        return f"{status.fps:.1f} frames/s"


class AnyCameraOnline:
    """At least one camera delivers frames."""

    required = True

    def __init__(self, cameras: Sequence[Camera]) -> None:
        self._cameras = cameras

    async def __call__(self) -> str:
        """Count the cameras that are online."""
        online = sum(camera.state.has_frames for camera in self._cameras)
        if online == 0:
            raise NotReadyError("no camera is online")
        return f"{online} of {len(self._cameras)} online"


def readiness_checks(cameras: Sequence[Camera], store: StatusStore) -> dict[str, Check]:
    """Return all checks by name."""
    return {
        "redis": RedisAnswers(store),
        "cameras": AnyCameraOnline(cameras),
        **{f"camera:{camera.id}": CameraOnline(camera) for camera in cameras},
    }


class CameraMetrics(Collector):
    """Counters and states of the cameras, labelled with the camera's id and read at each scrape."""

    def __init__(self, cameras: Sequence[Camera]) -> None:
        self._cameras = cameras

    def collect(self) -> Iterable[Metric]:
        """Return all metrics."""
        published = CounterMetricFamily("capture_frames_published", "Frames written to Redis", labels=["camera"])
        dropped = CounterMetricFamily("capture_frames_dropped", "Frames read and not published", labels=["camera"])
        reconnects = CounterMetricFamily("capture_reconnects", "Times a source was opened again", labels=["camera"])
        fps = GaugeMetricFamily("capture_fps", "Frames published a second, over the last seconds", labels=["camera"])
        state = GaugeMetricFamily("capture_camera_state", "1 for the state a camera is in", labels=["camera", "state"])
        for camera in self._cameras:
            status = camera.status()
            published.add_metric([camera.id], status.published)
            dropped.add_metric([camera.id], status.dropped)
            reconnects.add_metric([camera.id], status.reconnects)
            fps.add_metric([camera.id], status.fps)
            for known in CameraState:
                state.add_metric([camera.id, known.value], float(known is status.state))
        return [published, dropped, reconnects, fps, state]
