from collections.abc import Iterable, Mapping

from google.protobuf.internal.containers import MessageMap, RepeatedScalarFieldContainer
from google.protobuf.message import Message
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis.model_pb2 import ModelSpec

class PredictRequest(Message):
    @property
    def model_spec(self) -> ModelSpec: ...
    @property
    def inputs(self) -> MessageMap[str, TensorProto]: ...
    @property
    def output_filter(self) -> RepeatedScalarFieldContainer[str]: ...
    def __init__(
        self,
        *,
        model_spec: ModelSpec | None = ...,
        inputs: Mapping[str, TensorProto] = ...,
        output_filter: Iterable[str] = ...,
    ) -> None: ...

class PredictResponse(Message):
    @property
    def outputs(self) -> MessageMap[str, TensorProto]: ...
    @property
    def model_spec(self) -> ModelSpec: ...
    def __init__(self, *, outputs: Mapping[str, TensorProto] = ..., model_spec: ModelSpec | None = ...) -> None: ...
