"""What the gateway counts beyond its requests."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from services.contracts.prediction import CameraSource, Prediction
from services.runtime.metrics import LATENCY_BUCKETS_S


class GatewayMetrics:
    """Emotions answered, ages of frames, and seconds by step."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answers = Counter("gateway_predictions", "Predictions answered", ["source", "emotion"], registry=registry)
        self._age = Histogram(
            "gateway_frame_age_seconds",
            "Age of a camera's frame when it is answered",
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self._seconds = Histogram(
            "gateway_step_seconds", "Time of each step", ["step"], buckets=LATENCY_BUCKETS_S, registry=registry
        )

    def observe(self, answer: Prediction) -> None:
        """Count one answer."""
        self._answers.labels(answer.source.kind, answer.emotion or "none").inc()
        if isinstance(answer.source, CameraSource):
            self._age.observe(answer.source.age_ms / 1e3)
        for step in ("frame", "detect", "infer", "total"):
            self._seconds.labels(step).observe(getattr(answer.timings_ms, step) / 1e3)
