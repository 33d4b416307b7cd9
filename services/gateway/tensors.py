"""Arrays as TensorFlow's ``TensorProto`` and back."""

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


def float_array(tensor: tensor_pb2.TensorProto) -> NDArray[np.float32]:
    """Return a float32 tensor's array, whichever way the server wrote it.

    Raises:
        ValueError: Not float32, or not as many numbers as the shape says.
    """
    return _array(tensor, np.float32, tensor.float_val)


def bool_array(tensor: tensor_pb2.TensorProto) -> NDArray[np.bool_]:
    """Return a bool tensor's array, whichever way the server wrote it.

    Raises:
        ValueError: Not bool, or not as many values as the shape says.
    """
    return _array(tensor, np.bool_, tensor.bool_val)


def _array(tensor: tensor_pb2.TensorProto, scalar: type[S], listed: Sequence[float]) -> NDArray[S]:
    """Return the array of a tensor, which holds raw bytes or the values listed."""
    if tensor.dtype != _TENSOR_TYPES[scalar]:
        raise ValueError(f"expected {scalar.__name__}, got type {tensor.dtype}")
    raw = tensor.tensor_content
    flat = np.frombuffer(raw, scalar) if raw else np.array(listed, scalar)
    return flat.reshape(tuple(dim.size for dim in tensor.tensor_shape.dim))
