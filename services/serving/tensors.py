"""``TensorProto`` to array and back."""

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto

from services.serving.errors import InvalidArgumentError
from services.serving.signature import MAX_DIMENSIONS, Array

MAX_VALUES = 512 * 48 * 48
"""Values of a tensor: what the model takes for a value, hundreds of bytes, counts for more than the value itself."""

MAX_REPEATED_VALUES = 1 << 16
"""Values that stand for a last one that isn't repeated: a short message must not become a large computation."""

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
    kind = _array_type(proto.dtype)
    if kind is None:
        raise InvalidArgumentError(f"tensor parsing error: {name} has type {proto.dtype}, which can't be an input")
    count = _value_count(name, proto)
    field = _FIELDS.get(kind)
    if field is not None and not proto.tensor_content:
        _check_repeated(name, count, getattr(proto, field))
    try:
        array: Array = tf.make_ndarray(proto)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise InvalidArgumentError(f"tensor parsing error: {name}: the values don't fill the shape") from error
    return array


def _value_count(name: str, proto: TensorProto) -> int:
    """Return how many values the shape asks for."""
    dimensions = proto.tensor_shape.dim
    if len(dimensions) > MAX_DIMENSIONS:
        raise InvalidArgumentError(f"tensor parsing error: {name} has more than {MAX_DIMENSIONS} dimensions")
    lengths = [dimension.size for dimension in dimensions]
    if proto.tensor_shape.unknown_rank or any(length < 0 for length in lengths):
        raise InvalidArgumentError(f"tensor parsing error: {name} must have a shape of whole numbers")
    count = math.prod(lengths)
    if count > MAX_VALUES or max(lengths, default=0) > MAX_VALUES:
        raise InvalidArgumentError(f"tensor parsing error: {name} has the shape {lengths}; {MAX_VALUES:,} values fit")
    return count


def _check_repeated(name: str, count: int, values: Sequence[object]) -> None:
    """Raise InvalidArgumentError where too much would be made of the last value."""
    missing = count - len(values)
    size = len(values[-1]) if values and isinstance(values[-1], bytes) else 1
    if missing * size > MAX_REPEATED_VALUES:
        raise InvalidArgumentError(f"tensor parsing error: {name} has {len(values):,} values, its shape {count:,}")


def _array_type(number: int) -> str | None:
    """Return numpy's name of a type of TensorFlow's; None where no array holds it, as with resources and variants."""
    try:
        dtype = tf.as_dtype(number)
        return None if dtype in (tf.resource, tf.variant) else np.dtype(dtype.as_numpy_dtype).name
    except (TypeError, KeyError):
        return None


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
