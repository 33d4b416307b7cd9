"""The gRPC interface.

The generated servicers are not used: their methods that nobody wrote log a traceback at each call,
where gRPC by itself answers that there is no such method.
"""

from collections.abc import Mapping
from typing import Any, NoReturn

import grpc
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest, ClassificationResponse
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest, GetModelMetadataResponse
from tensorflow_serving.apis.get_model_status_pb2 import (
    GetModelStatusRequest,
    GetModelStatusResponse,
    ModelVersionStatus,
)
from tensorflow_serving.apis.inference_pb2 import MultiInferenceRequest, MultiInferenceResponse
from tensorflow_serving.apis.model_management_pb2 import ReloadConfigRequest, ReloadConfigResponse
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
from tensorflow_serving.apis.regression_pb2 import RegressionRequest, RegressionResponse

from services.serving.choice import choice_of
from services.serving.core import Core
from services.serving.errors import InvalidArgumentError, number_of
from services.serving.grpc_calls import Calls
from services.serving.inference import CLASSIFY, REGRESS, check_tasks, refuse, refuse_tasks
from services.serving.metadata import check_metadata_request, metadata
from services.serving.model import VersionStatus
from services.serving.predict import GrpcPredict

PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"

Methods = Mapping[str, "grpc.RpcMethodHandler[Any, Any]"]


class PredictionService:
    """``tensorflow.serving.PredictionService``."""

    def __init__(self, core: Core, as_content: bool) -> None:
        self._core = core
        self._as_content = as_content

    def methods(self, calls: Calls) -> Methods:
        """Return all methods by name."""
        metadata, several = GetModelMetadataResponse.SerializeToString, MultiInferenceResponse.SerializeToString
        classes, values = ClassificationResponse.SerializeToString, RegressionResponse.SerializeToString
        return {
            "Predict": calls.method(self._predict, PredictRequest, PredictResponse.SerializeToString),
            "GetModelMetadata": calls.method(self._metadata, GetModelMetadataRequest, metadata),
            "Classify": calls.method(self._classify, ClassificationRequest, classes),
            "Regress": calls.method(self._regress, RegressionRequest, values),
            "MultiInference": calls.method(self._multi_inference, MultiInferenceRequest, several),
        }

    async def _predict(self, request: PredictRequest) -> PredictResponse:
        call = GrpcPredict(request, self._as_content)
        return await self._core.predict("grpc", choice_of(request.model_spec), call)

    async def _metadata(self, request: GetModelMetadataRequest) -> GetModelMetadataResponse:
        with self._core.metrics.measure("grpc", "metadata"):
            check_metadata_request(request)
            with self._core.models.lease(choice_of(request.model_spec)) as servable:
                return metadata(servable)

    async def _classify(self, request: ClassificationRequest) -> ClassificationResponse:
        with self._core.metrics.measure("grpc", "classify"):
            self._refuse(request, CLASSIFY)

    async def _regress(self, request: RegressionRequest) -> RegressionResponse:
        with self._core.metrics.measure("grpc", "regress"):
            self._refuse(request, REGRESS)

    def _refuse(self, request: Any, method: str) -> NoReturn:
        if not request.HasField("model_spec"):
            raise InvalidArgumentError("Missing ModelSpec")
        with self._core.models.lease(choice_of(request.model_spec)) as servable:
            refuse(servable.signature_defs.signature_def, request.model_spec.signature_name, method)

    async def _multi_inference(self, request: MultiInferenceRequest) -> MultiInferenceResponse:
        with self._core.metrics.measure("grpc", "multi_inference"):
            check_tasks(request.tasks)
            with self._core.models.lease(choice_of(request.tasks[0].model_spec)) as servable:
                refuse_tasks(servable.signature_defs.signature_def, request.tasks)


class ModelService:
    """``tensorflow.serving.ModelService``."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def methods(self, calls: Calls) -> Methods:
        """Return all methods by name."""
        status, reload = GetModelStatusResponse.SerializeToString, ReloadConfigResponse.SerializeToString
        return {
            "GetModelStatus": calls.method(self._status, GetModelStatusRequest, status),
            "HandleReloadConfigRequest": calls.method(self._reload, ReloadConfigRequest, reload),
        }

    async def _status(self, request: GetModelStatusRequest) -> GetModelStatusResponse:
        with self._core.metrics.measure("grpc", "status"):
            statuses = self._core.models.statuses(choice_of(request.model_spec))
            return GetModelStatusResponse(model_version_status=[_encode(status) for status in statuses])

    async def _reload(self, request: ReloadConfigRequest) -> ReloadConfigResponse:
        with self._core.metrics.measure("grpc", "reload"):
            await self._core.reload(request.config)
            response = ReloadConfigResponse()
            response.status.error_code = number_of(grpc.StatusCode.OK)
            return response


def _encode(status: VersionStatus) -> ModelVersionStatus:
    message = ModelVersionStatus(version=status.version, state=status.state.value)
    message.status.error_code = number_of(status.code)
    message.status.error_message = status.message
    return message
