from collections.abc import Iterable

from google.protobuf.internal.containers import RepeatedScalarFieldContainer
from google.protobuf.message import Message
from tensorflow.core.framework.tensor_shape_pb2 import TensorShapeProto

class TensorProto(Message):
    dtype: int
    tensor_content: bytes
    @property
    def tensor_shape(self) -> TensorShapeProto: ...
    @property
    def float_val(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def int_val(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def int64_val(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def bool_val(self) -> RepeatedScalarFieldContainer[bool]: ...
    @property
    def string_val(self) -> RepeatedScalarFieldContainer[bytes]: ...
    def __init__(
        self,
        *,
        dtype: int = ...,
        tensor_shape: TensorShapeProto = ...,
        tensor_content: bytes = ...,
        float_val: Iterable[float] = ...,
        int_val: Iterable[int] = ...,
        int64_val: Iterable[int] = ...,
        bool_val: Iterable[bool] = ...,
        string_val: Iterable[bytes] = ...,
    ) -> None: ...
