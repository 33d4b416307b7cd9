from collections.abc import Iterable

from google.protobuf.internal.containers import RepeatedCompositeFieldContainer
from google.protobuf.message import Message
from tensorflow_serving.apis.model_pb2 import ModelSpec

class InferenceTask(Message):
    method_name: str
    @property
    def model_spec(self) -> ModelSpec: ...
    def __init__(self, *, model_spec: ModelSpec | None = ..., method_name: str = ...) -> None: ...

class MultiInferenceRequest(Message):
    @property
    def tasks(self) -> RepeatedCompositeFieldContainer[InferenceTask]: ...
    def __init__(self, *, tasks: Iterable[InferenceTask] = ...) -> None: ...

class MultiInferenceResponse(Message): ...
