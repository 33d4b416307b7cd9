"""What the gateway counts beyond its requests."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.contracts.prediction import CameraSource, Prediction
from services.gateway.protocols import EmotionScores
from services.runtime.metrics import LATENCY_BUCKETS_S


class GatewayMetrics:
    """Answers, ages of frames, and seconds by step; never what a person shows, since metrics need no key."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answers = Counter("gateway_predictions", "Predictions answered", ["source"], registry=registry)
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
        self._answers.labels(answer.source.kind).inc()
        if isinstance(answer.source, CameraSource):
            self._age.observe(answer.source.age_ms / 1e3)
        for step in ("frame", "detect", "infer", "total"):
            self._seconds.labels(step).observe(getattr(answer.timings_ms, step) / 1e3)

    def observe_tensor(self, scores: EmotionScores, infer_s: float, total_s: float) -> None:
        """Count the faces of a request that brought them as a tensor."""
        self._answers.labels("tensor").inc(len(scores.probabilities))
        self._seconds.labels("infer").observe(infer_s)
        self._seconds.labels("total").observe(total_s)


class LiveMetrics:
    """What live sessions do and leave undone."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._sessions = Gauge("gateway_live_sessions", "Cameras followed", registry=registry)
        self._viewers = Gauge("gateway_viewers", "Feeds, videos and WebSockets served", registry=registry)
        self._dropped = Counter(
            "gateway_live_dropped",
            "Left out for newer ones: frames before detect and infer, results before viewer, pictures",
            ["stage"],
            registry=registry,
        )
        self._age = Histogram(
            "gateway_live_age_seconds",
            "Age of a followed camera's frame when its result is there",
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self._searches = Counter("gateway_live_full_searches", "Whole pictures searched", registry=registry)

    def watch(self, sessions: Callable[[], float], viewers: Callable[[], float]) -> None:
        """Take the gauges from here."""
        self._sessions.set_function(sessions)
        self._viewers.set_function(viewers)

    def drop(self, stage: str) -> None:
        """Count what was left out."""
        self._dropped.labels(stage).inc()

    def result(self, age_s: float) -> None:
        """Count one frame's result."""
        self._age.observe(age_s)

    def full_search(self) -> None:
        """Count a search of a whole picture."""
        self._searches.inc()
