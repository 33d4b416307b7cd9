from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import Int64Value

class ModelSpec(Message):
    name: str
    version_label: str
    signature_name: str
    @property
    def version(self) -> Int64Value: ...
    def __init__(
        self,
        *,
        name: str = ...,
        version: Int64Value | None = ...,
        version_label: str = ...,
        signature_name: str = ...,
    ) -> None: ...
