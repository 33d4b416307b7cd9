"""The gateway's metrics, beside those of HTTP requests."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.contracts.prediction import CameraSource, Prediction
from services.gateway.protocols import EmotionScores
from services.runtime.metrics import LATENCY_BUCKETS_S


class GatewayMetrics:
    """Predictions: their number, the ages of frames, and the time of each step.

    Emotions aren't counted, since ``/metrics`` needs no API key.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._predictions = Counter("gateway_predictions", "Answered predictions", ["source"], registry=registry)
        self._age = Histogram(
            "gateway_frame_age_seconds",
            "Age of a camera's frame when it is answered",
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self._seconds = Histogram(
            "gateway_step_seconds", "Time of each step", ["step"], buckets=LATENCY_BUCKETS_S, registry=registry
        )

    def observe(self, prediction: Prediction) -> None:
        """Count one prediction."""
        self._predictions.labels(prediction.source.kind).inc()
        if isinstance(prediction.source, CameraSource):
            self._age.observe(prediction.source.age_ms / 1e3)
        for step in ("frame", "detect", "infer", "total"):
            self._seconds.labels(step).observe(getattr(prediction.timings_ms, step) / 1e3)

    def observe_tensor(self, scores: EmotionScores, infer_s: float, total_s: float) -> None:
        """Count the faces of a request that sent them as a tensor."""
        self._predictions.labels("tensor").inc(len(scores.probabilities))
        self._seconds.labels("infer").observe(infer_s)
        self._seconds.labels("total").observe(total_s)


class LiveMetrics:
    """Live sessions: their number, subscribers, drops and ages."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._sessions = Gauge("gateway_live_sessions", "Cameras with a live session", registry=registry)
        self._viewers = Gauge("gateway_viewers", "Open feeds, videos and WebSockets", registry=registry)
        self._dropped = Counter(
            "gateway_live_dropped",
            "Replaced by newer ones: frames before detect and infer, results before viewer, pictures",
            ["stage"],
            registry=registry,
        )
        self._age = Histogram(
            "gateway_live_age_seconds",
            "Age of a live session's frame when its result is complete",
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self._searches = Counter("gateway_live_full_searches", "Searches of whole frames", registry=registry)

    def watch(self, sessions: Callable[[], float], viewers: Callable[[], float]) -> None:
        """Set the functions that return the gauges' values."""
        self._sessions.set_function(sessions)
        self._viewers.set_function(viewers)

    def drop(self, stage: str) -> None:
        """Count a frame, result or picture that was replaced by a newer one."""
        self._dropped.labels(stage).inc()

    def result(self, age_s: float) -> None:
        """Record the age of one frame's result."""
        self._age.observe(age_s)

    def full_search(self) -> None:
        """Count a search of a whole frame."""
        self._searches.inc()
