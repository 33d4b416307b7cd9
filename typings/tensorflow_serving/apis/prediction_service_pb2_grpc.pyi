from typing import Any

import grpc
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

class PredictionServiceStub:
    Predict: grpc.UnaryUnaryMultiCallable[PredictRequest, PredictResponse]
    GetModelMetadata: grpc.UnaryUnaryMultiCallable[Any, Any]
    def __init__(self, channel: grpc.Channel) -> None: ...
