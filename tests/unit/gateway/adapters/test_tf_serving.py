import numpy as np
import pytest

from services.gateway.adapters.serving_messages import tensor_pb2, types_pb2
from services.gateway.adapters.tf_serving import bool_array, float_array, float_tensor


def test_floats_are_sent_as_tensor_content() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    tensor = float_tensor(array)
    assert tensor.tensor_content == array.tobytes()
    assert [dim.size for dim in tensor.tensor_shape.dim] == [2, 3]
    assert len(tensor.float_val) == 0
    np.testing.assert_array_equal(float_array(tensor, (2, 3)), array)


def test_tensor_content_and_lists_are_both_decoded() -> None:
    floats = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, float_val=[0.25, 0.75])
    floats.tensor_shape.dim.add(size=2)
    bools = tensor_pb2.TensorProto(dtype=types_pb2.DT_BOOL, bool_val=[True, False])
    bools.tensor_shape.dim.add(size=2)
    raw = tensor_pb2.TensorProto(dtype=types_pb2.DT_BOOL, tensor_content=b"\x01\x00")
    raw.tensor_shape.dim.add(size=2)
    assert float_array(floats, (2,)).tolist() == [0.25, 0.75]
    assert bool_array(bools, (2,)).tolist() == bool_array(raw, (2,)).tolist() == [True, False]


def test_a_wrong_type_or_count_is_refused() -> None:
    short = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, float_val=[0.25])
    short.tensor_shape.dim.add(size=2)
    with pytest.raises(ValueError, match="expected 2 values, got 1"):
        float_array(short, (2,))
    with pytest.raises(ValueError, match="expected bool"):
        bool_array(short, (2,))
    with pytest.raises(ValueError, match="expected float32"):
        float_array(tensor_pb2.TensorProto(dtype=types_pb2.DT_INT64), ())
    odd = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, tensor_content=b"12345")
    odd.tensor_shape.dim.add(size=1)
    with pytest.raises(ValueError, match="expected 1 values"):
        float_array(odd, (1,))


@pytest.mark.parametrize("sizes", [(), (3,), (-1,), (2, 1), (1 << 62, 0), (1,) * 1000])
def test_another_shape_is_refused(sizes: tuple[int, ...]) -> None:
    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, float_val=[0.25, 0.75])
    for size in sizes:
        tensor.tensor_shape.dim.add(size=size)
    with pytest.raises(ValueError, match="expected the shape"):
        float_array(tensor, (2,))
