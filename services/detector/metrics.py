"""What the detector counts beyond its requests."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from services.contracts.detection import Detection
from services.runtime.metrics import LATENCY_BUCKETS_S


class DetectorMetrics:
    """Faces found, where was searched, and seconds by step."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._faces = Counter("detector_faces", "Faces found", registry=registry)
        self._searches = Counter("detector_searches", "Images searched", ["searched"], registry=registry)
        self._seconds = Histogram(
            "detector_step_seconds", "Time of each step", ["step"], buckets=LATENCY_BUCKETS_S, registry=registry
        )

    def observe(self, detection: Detection) -> None:
        """Count one image."""
        self._faces.inc(len(detection.faces))
        self._searches.labels(detection.searched.value).inc()
        for step in ("decode", "search", "crop"):
            self._seconds.labels(step).observe(getattr(detection.timings_ms, step) / 1e3)
