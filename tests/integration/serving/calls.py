"""Calls as a client makes them, with the official stubs."""

from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest, ModelVersionStatus
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from tests.integration.serving.process import ServerProcess

TIMEOUT_S = 20.0


def content(array: NDArray[Any]) -> TensorProto:
    """Return an array as ``tensor_content``."""
    proto = TensorProto(dtype=tf.as_dtype(array.dtype).as_datatype_enum, tensor_content=array.tobytes())
    for length in array.shape:
        proto.tensor_shape.dim.add(size=length)
    return proto


def floats(*values: float, shape: tuple[int, ...] | None = None) -> TensorProto:
    """Return numbers as ``float_val``."""
    proto = TensorProto(dtype=tf.float32.as_datatype_enum, float_val=values)
    for length in (len(values),) if shape is None else shape:
        proto.tensor_shape.dim.add(size=length)
    return proto


def predict(
    server: ServerProcess,
    inputs: dict[str, TensorProto],
    spec: ModelSpec | None = None,
    outputs: tuple[str, ...] = (),
    timeout_s: float = TIMEOUT_S,
) -> PredictResponse:
    request = PredictRequest(model_spec=spec or ModelSpec(name=server.name), inputs=inputs, output_filter=outputs)
    return PredictionServiceStub(server.channel).Predict(request, timeout=timeout_s)


def predict_error(
    server: ServerProcess, inputs: dict[str, TensorProto], spec: ModelSpec | None = None, outputs: tuple[str, ...] = ()
) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        predict(server, inputs, spec, outputs)
    return told(caught.value)


def told(error: grpc.RpcError) -> tuple[grpc.StatusCode, str]:
    assert isinstance(error, grpc.Call)
    return error.code(), error.details() or ""


def arrays(response: PredictResponse) -> dict[str, NDArray[Any]]:
    return {name: np.asarray(tf.make_ndarray(proto)) for name, proto in response.outputs.items()}


def statuses(server: ServerProcess, spec: ModelSpec | None = None) -> list[ModelVersionStatus]:
    request = GetModelStatusRequest(model_spec=spec or ModelSpec(name=server.name))
    response = ModelServiceStub(server.channel).GetModelStatus(request, timeout=TIMEOUT_S)
    return list(response.model_version_status)
