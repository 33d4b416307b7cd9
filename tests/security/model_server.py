"""A model server under attack: whether it still answers other clients, and what a request costs it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from tests.support.model_server import ServerProcess, floats

PREDICT = "/tensorflow.serving.PredictionService/Predict"
MAX_GROWTH_MB = 150
"""Allowed growth of the process for one request of 16 MiB; without limits, each tested request takes over 400 MB."""

MiB = 1 << 20


def answers(server: ServerProcess) -> bool:
    """Return whether the server answers a valid request on a new connection."""
    with grpc.insecure_channel(f"127.0.0.1:{server.port}", [("grpc.use_local_subchannel_pool", 1)]) as channel:
        request = PredictRequest(model_spec=ModelSpec(name="toys"), inputs={"x": floats(1)}).SerializeToString()
        call: Any = channel.unary_unary(PREDICT)
        try:
            return bool(call(request, timeout=8))
        except grpc.RpcError:
            return False


@dataclass
class Growth:
    """Growth of the peak resident memory, in MB, and processor time that the server used during a block."""

    mb: float = 0.0
    cpu_s: float = 0.0


@contextmanager
def growth(server: ServerProcess) -> Iterator[Growth]:
    server.reset_peak()
    before_mb, before_s, cost = server.resident_mb(), server.cpu_s(), Growth()
    yield cost
    cost.mb, cost.cpu_s = server.peak_mb() - before_mb, server.cpu_s() - before_s
