"""``TensorProto`` to array and back."""

import math

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto

from services.serving.errors import InvalidArgumentError
from services.serving.signature import Array

EXPANDED_LIMIT = 1 << 24
"""Elements that a message may stand for beyond those it carries: a short message must not fill the memory."""

_FIELDS = {
    "float32": "float_val",
    "float64": "double_val",
    "int8": "int_val",
    "int16": "int_val",
    "int32": "int_val",
    "uint8": "int_val",
    "uint16": "int_val",
    "int64": "int64_val",
    "uint32": "uint32_val",
    "uint64": "uint64_val",
    "bool": "bool_val",
    "object": "string_val",
}
_VIEWED_FIELDS = {
    "float16": ("half_val", np.uint16),
    "bfloat16": ("half_val", np.uint16),
    "complex64": ("scomplex_val", np.float32),
    "complex128": ("dcomplex_val", np.float64),
}


def decode_tensor(name: str, proto: TensorProto) -> Array:
    """Return a tensor as an array, from ``tensor_content`` or the typed fields; strings as ``bytes``.

    As everywhere in TensorFlow, a last value stands for all that would follow it.

    Raises:
        InvalidArgumentError: The values don't fill the shape, or the type is unknown.
    """
    lengths = [dimension.size for dimension in proto.tensor_shape.dim]
    if proto.tensor_shape.unknown_rank or any(length < 0 for length in lengths):
        raise InvalidArgumentError(f"tensor parsing error: {name} must have a shape of whole numbers")
    # A value takes a byte or more, so a message of n bytes carries n values at most.
    if math.prod(lengths) > max(proto.ByteSize(), EXPANDED_LIMIT):
        raise InvalidArgumentError(f"tensor parsing error: {name} has fewer values than its shape {lengths}")
    try:
        array: Array = tf.make_ndarray(proto)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"tensor parsing error: {name}: {error}") from error
    return array


def encode_tensor(array: Array, proto: TensorProto, as_content: bool = False) -> None:
    """Fill a message with typed fields, which is what TensorFlow Serving answers with unless told otherwise.

    Strings have no other form.
    """
    proto.dtype = tf.as_dtype(array.dtype).as_datatype_enum
    for length in array.shape:
        proto.tensor_shape.dim.add(size=length)
    kind = array.dtype.name
    if as_content and array.dtype != object:
        proto.tensor_content = array.tobytes()
    elif kind in _FIELDS:
        getattr(proto, _FIELDS[kind]).extend(array.ravel().tolist())
    elif kind in _VIEWED_FIELDS:
        field, viewed = _VIEWED_FIELDS[kind]
        getattr(proto, field).extend(array.ravel().view(viewed).tolist())
    else:  # small floats and the like have no typed field
        proto.tensor_content = array.tobytes()
