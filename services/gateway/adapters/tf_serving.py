"""Client of TensorFlow Serving's gRPC API."""

import logging
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

import grpc
import grpc.aio
import numpy as np
from google.protobuf.message import DecodeError, Message
from numpy.typing import NDArray

from services.contracts.emotions import EMOTIONS
from services.contracts.model import (
    INPUT_FACE,
    MODEL_NAME,
    OUTPUT_PROBABILITIES,
    OUTPUT_RELIABLE,
    SIGNATURE_NAME,
)
from services.contracts.problems import ProblemKind, ServiceError
from services.gateway.adapters.serving_messages import (
    get_model_status_pb2,
    predict_pb2,
    tensor_pb2,
    types_pb2,
)
from services.gateway.protocols import Deadline, EmotionScores

_TENSOR_TYPES: Mapping[type[np.generic], int] = MappingProxyType(
    {np.float32: types_pb2.DT_FLOAT, np.bool_: types_pb2.DT_BOOL}
)
S = TypeVar("S", bound=np.generic)


def float_tensor(array: NDArray[np.float32]) -> tensor_pb2.TensorProto:
    """Return a float32 array as a ``TensorProto`` with ``tensor_content``."""
    tensor = tensor_pb2.TensorProto(
        dtype=types_pb2.DT_FLOAT, tensor_content=np.ascontiguousarray(array, np.float32).tobytes()
    )
    for size in array.shape:
        tensor.tensor_shape.dim.add(size=size)
    return tensor


def float_array(tensor: tensor_pb2.TensorProto, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return a float32 tensor as an array.

    Raises:
        ValueError: The type, the shape or the number of values is wrong.
    """
    return _array(tensor, np.float32, tensor.float_val, shape)


def bool_array(tensor: tensor_pb2.TensorProto, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return a bool tensor as an array.

    Raises:
        ValueError: The type, the shape or the number of values is wrong.
    """
    return _array(tensor, np.bool_, tensor.bool_val, shape)


def _array(
    tensor: tensor_pb2.TensorProto, scalar: type[S], listed: Sequence[float], shape: tuple[int, ...]
) -> NDArray[S]:
    """Return a tensor as an array, from ``tensor_content`` if that is set, else from the list of values."""
    if tensor.dtype != _TENSOR_TYPES[scalar]:
        raise ValueError(f"expected {scalar.__name__}, got type {tensor.dtype}")
    sizes = [dim.size for dim in tensor.tensor_shape.dim[: len(shape) + 1]]
    if sizes != list(shape):
        raise ValueError(f"expected the shape {shape}, got one that begins with {sizes}")
    raw = tensor.tensor_content
    count, sent = math.prod(shape), len(raw) // np.dtype(scalar).itemsize if raw else len(listed)
    if sent != count or len(raw) % np.dtype(scalar).itemsize:
        raise ValueError(f"expected {count} values, got {sent}")
    flat = np.frombuffer(raw, scalar) if raw else np.array(listed, scalar)
    return flat.reshape(shape)


_CHANNEL_OPTIONS = (
    # Calls are distributed over all addresses of the name.
    ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}'),
    # By default the back-off grows to two minutes and a name is resolved at most every 30 s, so a server that returns
    # at another address would stay unused for that long.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.dns_min_time_between_resolutions_ms", 500),
    # gRPC uses this value as the limit for an attempt to connect.
    ("grpc.min_reconnect_backoff_ms", 500),
    # A host that loses its network closes no connection, so pings are sent while a call waits. Idle connections send
    # none, since servers close connections with too many pings.
    ("grpc.keepalive_time_ms", 1000),
    ("grpc.keepalive_timeout_ms", 1000),
    ("grpc.enable_http_proxy", 0),
    # The scores of 512 faces take a tenth of it.
    ("grpc.max_receive_message_length", 256 * 1024),
)
_PREDICT = "/tensorflow.serving.PredictionService/Predict"
_GET_MODEL_STATUS = "/tensorflow.serving.ModelService/GetModelStatus"
_AVAILABLE = 30
M = TypeVar("M", bound=Message)
_log = logging.getLogger(__name__)


def connect(target: str) -> grpc.aio.Channel:
    """Return a channel to ``host:port`` or ``unix:///path``. It connects when it is used, and reconnects by itself."""
    address = target if target.startswith("unix:") else f"dns:///{target}"
    return grpc.aio.insecure_channel(address, options=_CHANNEL_OPTIONS)


class ModelClient:
    """An ``EmotionModel`` behind TensorFlow Serving."""

    def __init__(self, channel: grpc.aio.Channel, timeout_s: float) -> None:
        # Without the generated stubs: they log a traceback if a response can't be parsed.
        self._predict: Any = channel.unary_unary(_PREDICT, predict_pb2.PredictRequest.SerializeToString)
        self._get_status: Any = channel.unary_unary(
            _GET_MODEL_STATUS, get_model_status_pb2.GetModelStatusRequest.SerializeToString
        )
        self._timeout_s = timeout_s

    async def infer(self, faces: NDArray[np.float32], deadline: Deadline, version: int | None = None) -> EmotionScores:
        """Return the scores of all faces of an image, in one call."""
        request = predict_pb2.PredictRequest()
        request.model_spec.name = MODEL_NAME
        if version is not None:
            request.model_spec.version.value = version
        request.model_spec.signature_name = SIGNATURE_NAME
        request.inputs[INPUT_FACE].CopyFrom(float_tensor(faces))
        deadline = deadline.capped(self._timeout_s)
        seconds = deadline.remaining_s()
        try:
            payload = await self._call(request, deadline)
        except grpc.aio.AioRpcError as error:
            if version is not None and error.code() is grpc.StatusCode.NOT_FOUND:
                raise ServiceError(ProblemKind.NOT_FOUND, f"The model has no version {version}") from error
            raise _problem(error, seconds) from error
        return _scores(_parse(predict_pb2.PredictResponse, payload), len(faces))

    async def versions(self) -> tuple[int, ...]:
        """Return the versions whose state is AVAILABLE."""
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = MODEL_NAME
        try:
            payload = await self._get_status(request, timeout=self._timeout_s)
        except grpc.aio.AioRpcError as error:
            raise _problem(error, self._timeout_s) from error
        answer = _parse(get_model_status_pb2.GetModelStatusResponse, payload)
        return tuple(sorted(status.version for status in answer.model_version_status if status.state == _AVAILABLE))

    async def check(self) -> str:
        """Return the version that is available."""
        available = await self.versions()
        if not available:
            raise _unavailable("No version of the model is available")
        return f"version {available[-1]} is available"

    async def _call(self, request: predict_pb2.PredictRequest, deadline: Deadline) -> bytes:
        try:
            first: bytes = await self._predict(request, timeout=deadline.remaining_s())
            return first
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
        second: bytes = await self._predict(request, timeout=deadline.remaining_s())
        return second


def _problem(error: grpc.aio.AioRpcError, seconds: float) -> ServiceError:
    code = error.code()
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return ServiceError(
            ProblemKind.DEPENDENCY_TIMEOUT, f"The model took longer than {seconds:.2g} s", dependency="model"
        )
    if code is grpc.StatusCode.UNAVAILABLE:
        return _unavailable("TensorFlow Serving can't be reached")
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return ServiceError(ProblemKind.OVERLOADED, "TensorFlow Serving is overloaded", dependency="model")
    _log.warning("model: %s: %.300r", code.name, error.details())
    return _unavailable(f"TensorFlow Serving answered {code.name}")


def _parse(kind: type[M], payload: bytes) -> M:
    try:
        return kind.FromString(payload)
    except DecodeError as error:
        raise _unavailable("The model's answer can't be read") from error


def _scores(response: predict_pb2.PredictResponse, faces: int) -> EmotionScores:
    try:
        probabilities = float_array(response.outputs[OUTPUT_PROBABILITIES], (faces, len(EMOTIONS)))
        reliable = bool_array(response.outputs[OUTPUT_RELIABLE], (faces,))
    except ValueError as error:
        raise _unavailable(f"The model's answer can't be read: {error}") from error
    if response.model_spec.version.value < 0:
        raise _unavailable("The model's answer names a version below 0")
    if not np.isfinite(probabilities).all():
        raise _unavailable("The model's answer has numbers that aren't finite")
    return EmotionScores(probabilities, reliable, str(response.model_spec.version.value))


def _unavailable(detail: str) -> ServiceError:
    return ServiceError(ProblemKind.DEPENDENCY_UNAVAILABLE, detail, dependency="model")
