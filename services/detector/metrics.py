"""What the detector counts beyond its requests."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from services.detector.messages import Answer
from services.detector.worker_process import WorkerEnd
from services.runtime.metrics import LATENCY_BUCKETS_S


class DetectorMetrics:
    """Faces found, where was searched, seconds by step, and workers that ended."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._faces = Counter("detector_faces", "Faces found", registry=registry)
        self._searches = Counter("detector_searches", "Images searched", ["searched"], registry=registry)
        self._seconds = Histogram(
            "detector_step_seconds", "Time of each step", ["step"], buckets=LATENCY_BUCKETS_S, registry=registry
        )
        self._ends = Counter("detector_workers_replaced", "Worker processes replaced", ["reason"], registry=registry)
        for end in WorkerEnd:
            self._ends.labels(end.value)

    def observe(self, answer: Answer) -> None:
        """Count one image."""
        self._faces.inc(answer.faces)
        self._searches.labels(answer.searched.value).inc()
        for step, seconds in answer.seconds.items():
            self._seconds.labels(step).observe(seconds)

    def worker_ended(self, end: WorkerEnd) -> None:
        """Count one worker process that ended and is replaced."""
        self._ends.labels(end.value).inc()
