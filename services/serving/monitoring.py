"""What TensorFlow Serving's users find among its metrics, under the same names, as far as we have it."""

from contextlib import AbstractContextManager

import grpc

from services.serving.series import Counter, Distribution, exponential
from services.serving.timing import timed

_LATENCY = exponential(10, 1.8, 33)
_QUEUING = exponential(100, 1.2, 52)
_SIZES = exponential(1, 2, 15)
_POOL = ("thread_pool_name",)


class Monitoring:
    """Takes in what happens, from any thread, and tells it as text. Times are microseconds."""

    def __init__(self) -> None:
        serving, session, loading = "/tensorflow/serving", "/tensorflow/serving/batching_session", "/tensorflow/cc"
        self._requests = Counter(f"{serving}/request_count", ("model_name", "status"))
        self._latency = Distribution(f"{serving}/request_latency", _LATENCY, ("model_name", "API", "entrypoint"))
        self._runtime = Distribution(f"{serving}/runtime_latency", _LATENCY, ("model_name", "API", "runtime"))
        self._warm_up = Distribution(f"{serving}/model_warmup_latency", _LATENCY, ("model_path", "status"))
        self._loads = Counter(f"{loading}/saved_model/load_attempt_count", ("model_path", "status"))
        self._load_latency = Counter(f"{loading}/saved_model/load_latency", ("model_path",))
        self._queuing = Distribution(f"{session}/queuing_latency", _QUEUING, _POOL)
        self._runs = Counter(f"{session}/wrapped_run_count")
        self._input_size = Distribution(f"{session}/input_batch_size", _SIZES, _POOL)
        self._processed_size = Distribution(f"{session}/processed_batch_size", _SIZES, _POOL)
        self._padding_size = Distribution(f"{session}/padding_size", _SIZES, _POOL)

    def request(self, model: str, entrypoint: str) -> AbstractContextManager[None]:
        """Observe one Predict request; only an answer counts for the time it took."""

        def record(code: grpc.StatusCode, seconds: float) -> None:
            self._requests.add(model, code.name)
            if code is grpc.StatusCode.OK:
                self._latency.observe(seconds * 1e6, model, "Predict", entrypoint)

        return timed(record)

    def runtime(self, model: str) -> AbstractContextManager[None]:
        """Observe one computation."""
        return timed(lambda _, seconds: self._runtime.observe(seconds * 1e6, model, "Predict", "TF1"))

    def load(self, path: str) -> AbstractContextManager[None]:
        """Observe one try to load a version."""

        def record(code: grpc.StatusCode, seconds: float) -> None:
            self._loads.add(path, "success" if code is grpc.StatusCode.OK else "fail")
            if code is grpc.StatusCode.OK:
                self._load_latency.add(path, amount=int(seconds * 1e6))

        return timed(record)

    def warm_up(self, path: str) -> AbstractContextManager[None]:
        """Observe the replay of a version's warm-up requests."""
        return timed(lambda code, seconds: self._warm_up.observe(seconds * 1e6, path, code.name))

    def queued(self, pool: str, seconds: float) -> None:
        """Take in how long a request waited for others."""
        self._queuing.observe(seconds * 1e6, pool)

    def batch(self, pool: str, size: int, padded: int) -> None:
        """Take in a batch that is computed: rows of requests, and rows altogether."""
        self._runs.add()
        self._input_size.observe(size, pool)
        self._processed_size.observe(padded, pool)
        self._padding_size.observe(padded - size, pool)

    def text(self) -> str:
        """Return all series in Prometheus's text form."""
        series = (value for value in vars(self).values() if isinstance(value, Counter | Distribution))
        return "".join(f"{line}\n" for one in series for line in one.lines())
