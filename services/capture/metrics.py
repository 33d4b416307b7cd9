"""Prometheus metrics of the cameras, read from their statuses when asked for."""

from collections.abc import Iterable, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from services.capture.camera import Camera
from services.contracts.cameras import CameraState


class CameraMetrics(Collector):
    """Gives the counters and the state of each camera, labelled with its id."""

    def __init__(self, cameras: Sequence[Camera]) -> None:
        self._cameras = cameras

    def collect(self) -> Iterable[Metric]:
        """Return all metrics."""
        published = CounterMetricFamily("capture_frames_published", "Frames written to Redis", labels=["camera"])
        dropped = CounterMetricFamily("capture_frames_dropped", "Frames read and not published", labels=["camera"])
        reconnects = CounterMetricFamily("capture_reconnects", "Times a source was opened anew", labels=["camera"])
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
