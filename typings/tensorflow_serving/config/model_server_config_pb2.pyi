from collections.abc import Iterable, Mapping
from typing import Literal

from google.protobuf.internal.containers import RepeatedCompositeFieldContainer, ScalarMap
from google.protobuf.message import Message
from tensorflow_serving.config.file_system_storage_path_source_pb2 import FileSystemStoragePathSourceConfig

class ModelConfig(Message):
    name: str
    base_path: str
    model_type: int
    model_platform: str
    @property
    def model_version_policy(self) -> FileSystemStoragePathSourceConfig.ServableVersionPolicy: ...
    @property
    def version_labels(self) -> ScalarMap[str, int]: ...
    def __init__(
        self,
        *,
        name: str = ...,
        base_path: str = ...,
        model_platform: str = ...,
        version_labels: Mapping[str, int] = ...,
    ) -> None: ...

class ModelConfigList(Message):
    @property
    def config(self) -> RepeatedCompositeFieldContainer[ModelConfig]: ...
    def __init__(self, *, config: Iterable[ModelConfig] = ...) -> None: ...

class ModelServerConfig(Message):
    @property
    def model_config_list(self) -> ModelConfigList: ...
    def __init__(self, *, model_config_list: ModelConfigList | None = ...) -> None: ...
    def WhichOneof(self, oneof_group: str | bytes) -> Literal["model_config_list", "custom_model_config"] | None: ...
