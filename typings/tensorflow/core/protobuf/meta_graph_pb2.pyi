from google.protobuf.internal.containers import MessageMap, RepeatedScalarFieldContainer
from google.protobuf.message import Message
from tensorflow.core.framework.tensor_shape_pb2 import TensorShapeProto

class TensorInfo(Message):
    name: str
    dtype: int
    @property
    def tensor_shape(self) -> TensorShapeProto: ...
    def __init__(self, *, name: str = ..., dtype: int = ...) -> None: ...

class SignatureDef(Message):
    method_name: str
    @property
    def inputs(self) -> MessageMap[str, TensorInfo]: ...
    @property
    def outputs(self) -> MessageMap[str, TensorInfo]: ...
    def __init__(self, *, method_name: str = ...) -> None: ...

class MetaGraphDef(Message):
    class MetaInfoDef(Message):
        @property
        def tags(self) -> RepeatedScalarFieldContainer[str]: ...

    @property
    def meta_info_def(self) -> MetaGraphDef.MetaInfoDef: ...
    @property
    def signature_def(self) -> MessageMap[str, SignatureDef]: ...
