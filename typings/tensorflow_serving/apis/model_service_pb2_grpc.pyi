from typing import Any, Generic, TypeVar, overload

import grpc
import grpc.aio
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest, GetModelStatusResponse

_Call = TypeVar("_Call")

class ModelServiceStub(Generic[_Call]):
    GetModelStatus: _Call
    HandleReloadConfigRequest: Any
    @overload
    def __init__(
        self: ModelServiceStub[grpc.UnaryUnaryMultiCallable[GetModelStatusRequest, GetModelStatusResponse]],
        channel: grpc.Channel,
    ) -> None: ...
    @overload
    def __init__(
        self: ModelServiceStub[grpc.aio.UnaryUnaryMultiCallable[GetModelStatusRequest, GetModelStatusResponse]],
        channel: grpc.aio.Channel,
    ) -> None: ...

def __getattr__(name: str) -> Any: ...
