from collections.abc import Iterable

from google.protobuf.internal.containers import RepeatedCompositeFieldContainer
from google.protobuf.message import Message
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.status_pb2 import StatusProto

class GetModelStatusRequest(Message):
    @property
    def model_spec(self) -> ModelSpec: ...
    def __init__(self, *, model_spec: ModelSpec | None = ...) -> None: ...

class ModelVersionStatus(Message):
    UNKNOWN: int
    START: int
    LOADING: int
    AVAILABLE: int
    UNLOADING: int
    END: int
    version: int
    state: int
    @property
    def status(self) -> StatusProto: ...
    def __init__(self, *, version: int = ..., state: int = ..., status: StatusProto | None = ...) -> None: ...

class GetModelStatusResponse(Message):
    @property
    def model_version_status(self) -> RepeatedCompositeFieldContainer[ModelVersionStatus]: ...
    def __init__(self, *, model_version_status: Iterable[ModelVersionStatus] = ...) -> None: ...
