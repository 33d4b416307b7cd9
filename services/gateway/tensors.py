"""Arrays as TensorFlow's ``TensorProto`` and back."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from services.gateway.serving_messages import tensor_pb2, types_pb2

_TENSOR_TYPES: Mapping[type[np.generic], int] = MappingProxyType(
    {np.float32: types_pb2.DT_FLOAT, np.bool_: types_pb2.DT_BOOL}
)
S = TypeVar("S", bound=np.generic)


def float_tensor(array: NDArray[np.float32]) -> tensor_pb2.TensorProto:
    """Return a float32 array as raw bytes in a ``TensorProto``, not as a list of numbers."""
    tensor = tensor_pb2.TensorProto(
        dtype=types_pb2.DT_FLOAT, tensor_content=np.ascontiguousarray(array, np.float32).tobytes()
    )
    for size in array.shape:
        tensor.tensor_shape.dim.add(size=size)
    return tensor


def float_array(tensor: tensor_pb2.TensorProto, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return a float32 tensor's array, whichever way the server wrote it.

    Raises:
        ValueError: Not float32, not of this shape, or not as many numbers as the shape says.
    """
    return _array(tensor, np.float32, tensor.float_val, shape)


def bool_array(tensor: tensor_pb2.TensorProto, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return a bool tensor's array, whichever way the server wrote it.

    Raises:
        ValueError: Not bool, not of this shape, or not as many values as the shape says.
    """
    return _array(tensor, np.bool_, tensor.bool_val, shape)


def _array(
    tensor: tensor_pb2.TensorProto, scalar: type[S], listed: Sequence[float], shape: tuple[int, ...]
) -> NDArray[S]:
    """Return the array of a tensor, which holds raw bytes or the values listed."""
    if tensor.dtype != _TENSOR_TYPES[scalar]:
        raise ValueError(f"expected {scalar.__name__}, got type {tensor.dtype}")
    sizes = [dim.size for dim in tensor.tensor_shape.dim[: len(shape) + 1]]
    if sizes != list(shape):
        raise ValueError(f"expected the shape {shape}, got one that begins with {sizes}")
    raw = tensor.tensor_content
    count, sent = math.prod(shape), len(raw) // np.dtype(scalar).itemsize if raw else len(listed)
    if sent != count or len(raw) % np.dtype(scalar).itemsize:
        raise ValueError(f"expected {count} values, got {sent}")
    flat = np.frombuffer(raw, scalar) if raw else np.array(listed, scalar)
    return flat.reshape(shape)
