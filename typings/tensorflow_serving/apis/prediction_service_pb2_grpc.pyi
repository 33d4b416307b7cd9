from typing import Any, Generic, TypeVar, overload

import grpc
import grpc.aio
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

_Call = TypeVar("_Call")

class PredictionServiceStub(Generic[_Call]):
    Predict: _Call
    Classify: Any
    Regress: Any
    GetModelMetadata: Any
    MultiInference: Any
    @overload
    def __init__(
        self: PredictionServiceStub[grpc.UnaryUnaryMultiCallable[PredictRequest, PredictResponse]],
        channel: grpc.Channel,
    ) -> None: ...
    @overload
    def __init__(
        self: PredictionServiceStub[grpc.aio.UnaryUnaryMultiCallable[PredictRequest, PredictResponse]],
        channel: grpc.aio.Channel,
    ) -> None: ...

def __getattr__(name: str) -> Any: ...
