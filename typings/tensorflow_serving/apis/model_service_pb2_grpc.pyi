from typing import Any

import grpc
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest, GetModelStatusResponse

class ModelServiceStub:
    GetModelStatus: grpc.UnaryUnaryMultiCallable[GetModelStatusRequest, GetModelStatusResponse]
    HandleReloadConfigRequest: grpc.UnaryUnaryMultiCallable[Any, Any]
    def __init__(self, channel: grpc.Channel) -> None: ...
