from collections.abc import Iterable

from google.protobuf.internal.containers import RepeatedCompositeFieldContainer
from google.protobuf.message import Message

class TensorShapeProto(Message):
    class Dim(Message):
        size: int
        def __init__(self, *, size: int = ...) -> None: ...

    unknown_rank: bool
    @property
    def dim(self) -> RepeatedCompositeFieldContainer[TensorShapeProto.Dim]: ...
    def __init__(self, *, dim: Iterable[TensorShapeProto.Dim] = ..., unknown_rank: bool = ...) -> None: ...
