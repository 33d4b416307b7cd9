from google.protobuf.message import Message
from tensorflow_serving.apis.status_pb2 import StatusProto
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

class ReloadConfigRequest(Message):
    @property
    def config(self) -> ModelServerConfig: ...
    def __init__(self, *, config: ModelServerConfig | None = ...) -> None: ...

class ReloadConfigResponse(Message):
    @property
    def status(self) -> StatusProto: ...
