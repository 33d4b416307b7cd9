"""What operations can see of the calls, gRPC and REST alike."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.runtime.metrics import LATENCY_BUCKETS_S
from services.serving.timing import timed


class CallMetrics:
    """Counts and times calls by interface (``grpc``, ``rest``) and method."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["api", "method"]
        self._calls = Counter("serving_calls", "Calls answered", [*labels, "code"], registry=registry)
        self._in_flight = Gauge("serving_calls_in_flight", "Calls being answered", labels, registry=registry)
        self._seconds = Histogram(
            "serving_call_seconds", "From call to answer", labels, buckets=LATENCY_BUCKETS_S, registry=registry
        )

    @contextmanager
    def measure(self, api: str, method: str) -> Iterator[None]:
        """Observe one call."""

        def record(code: grpc.StatusCode, seconds: float) -> None:
            self._calls.labels(api, method, code.name).inc()
            self._seconds.labels(api, method).observe(seconds)

        with self._in_flight.labels(api, method).track_inprogress(), timed(record):
            yield
