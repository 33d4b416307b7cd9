"""The gRPC interface. Methods that aren't written here answer UNIMPLEMENTED.

The generated servicers are not used: their methods that nobody wrote log a traceback at each call,
where gRPC by itself answers that there is no such method.
"""

from collections.abc import Awaitable
from typing import Any, TypeVar

import grpc
from tensorflow_serving.apis.get_model_status_pb2 import (
    GetModelStatusRequest,
    GetModelStatusResponse,
    ModelVersionStatus,
)
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

from services.serving.errors import ServingError, number_of
from services.serving.metrics import CallMetrics
from services.serving.model import Model, VersionStatus, name_and_version
from services.serving.ports import PortError, host_and_port
from services.serving.predict import predict
from services.serving.workers import Workers

_unary = grpc.unary_unary_rpc_method_handler
Context = grpc.aio.ServicerContext[Any, Any]
R = TypeVar("R")

_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # Without this a second server would share the port instead of failing.
    ("grpc.so_reuseport", 0),
)


class PredictionService:
    """``tensorflow.serving.PredictionService``."""

    def __init__(self, model: Model, workers: Workers, metrics: CallMetrics) -> None:
        self._model = model
        self._workers = workers
        self._metrics = metrics

    def handler(self) -> grpc.GenericRpcHandler:
        """Return the methods that are written."""
        method = _unary(self.predict, PredictRequest.FromString, PredictResponse.SerializeToString)
        return grpc.method_handlers_generic_handler("tensorflow.serving.PredictionService", {"Predict": method})

    async def predict(self, request: PredictRequest, context: Context) -> PredictResponse:
        """Answer with a version's outputs."""
        return await _answer(self._predict(request), context)

    async def _predict(self, request: PredictRequest) -> PredictResponse:
        with self._metrics.measure("grpc", "predict"):
            servable = self._model.find(*name_and_version(request.model_spec))
            return await self._workers.run(predict, servable, request)


class ModelService:
    """``tensorflow.serving.ModelService``."""

    def __init__(self, model: Model, metrics: CallMetrics) -> None:
        self._model = model
        self._metrics = metrics

    def handler(self) -> grpc.GenericRpcHandler:
        """Return the methods that are written."""
        method = _unary(self.status, GetModelStatusRequest.FromString, GetModelStatusResponse.SerializeToString)
        return grpc.method_handlers_generic_handler("tensorflow.serving.ModelService", {"GetModelStatus": method})

    async def status(self, request: GetModelStatusRequest, context: Context) -> GetModelStatusResponse:
        """Answer with the state of one version or of all."""
        return await _answer(self._status(request), context)

    async def _status(self, request: GetModelStatusRequest) -> GetModelStatusResponse:
        with self._metrics.measure("grpc", "status"):
            statuses = self._model.statuses(*name_and_version(request.model_spec))
            return GetModelStatusResponse(model_version_status=[_encode(status) for status in statuses])


def create_grpc_server(address: str, port: int, prediction: PredictionService, models: ModelService) -> grpc.aio.Server:
    """Return a server that listens once it is started.

    Raises:
        PortError: The port can't be listened on.
    """
    server = grpc.aio.server(options=_OPTIONS)
    server.add_generic_rpc_handlers((prediction.handler(), models.handler()))
    try:
        server.add_insecure_port(host_and_port(address, port))
    except RuntimeError as error:
        raise PortError(address, port, str(error)) from error
    return server


async def _answer(call: Awaitable[R], context: Context) -> R:
    try:
        return await call
    except ServingError as error:
        await context.abort(error.code, str(error))


def _encode(status: VersionStatus) -> ModelVersionStatus:
    message = ModelVersionStatus(version=status.version, state=status.state.value)
    message.status.error_code = number_of(status.code)
    message.status.error_message = status.message
    return message
