"""Arrays as TensorFlow's ``TensorProto`` and back."""

import numpy as np
from numpy.typing import NDArray

from services.gateway.serving_messages import tensor_pb2, types_pb2


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
    if tensor.dtype != types_pb2.DT_FLOAT:
        raise ValueError(f"expected float32, got type {tensor.dtype}")
    if tensor.tensor_content:
        flat = np.frombuffer(tensor.tensor_content, np.float32)
    else:
        flat = np.array(tensor.float_val, np.float32)
    return flat.reshape(_shape(tensor))


def bool_array(tensor: tensor_pb2.TensorProto) -> NDArray[np.bool_]:
    """Return a bool tensor's array, whichever way the server wrote it.

    Raises:
        ValueError: Not bool, or not as many values as the shape says.
    """
    if tensor.dtype != types_pb2.DT_BOOL:
        raise ValueError(f"expected bool, got type {tensor.dtype}")
    if tensor.tensor_content:
        flat = np.frombuffer(tensor.tensor_content, np.bool_)
    else:
        flat = np.array(tensor.bool_val, np.bool_)
    return flat.reshape(_shape(tensor))


def _shape(tensor: tensor_pb2.TensorProto) -> tuple[int, ...]:
    return tuple(dim.size for dim in tensor.tensor_shape.dim)
