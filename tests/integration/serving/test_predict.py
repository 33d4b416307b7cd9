from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf.wrappers_pb2 import Int64Value
from numpy.typing import NDArray
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis.model_pb2 import ModelSpec

from services.contracts.model import SIGNATURE_NAME
from tests.integration.serving.make_models import ECHOED
from tests.support.model_server import ServerProcess, arrays, code_and_details, content, floats, predict, predict_error

TYPED_FIELDS = {
    "bfloat16": ("half_val", "uint16"),
    "float16": ("half_val", "uint16"),
    "float32": ("float_val", "float32"),
    "float64": ("double_val", "float64"),
    "int8": ("int_val", "int8"),
    "int16": ("int_val", "int16"),
    "int32": ("int_val", "int32"),
    "int64": ("int64_val", "int64"),
    "uint8": ("int_val", "uint8"),
    "uint16": ("int_val", "uint16"),
    "uint32": ("uint32_val", "uint32"),
    "uint64": ("uint64_val", "uint64"),
    "bool": ("bool_val", "bool"),
    "complex64": ("scomplex_val", "float32"),
    "complex128": ("dcomplex_val", "float64"),
}
NOT_FOUND = grpc.StatusCode.NOT_FOUND
INVALID = grpc.StatusCode.INVALID_ARGUMENT


def spec(signature: str, version: int | None = None) -> ModelSpec:
    number = None if version is None else Int64Value(value=version)
    return ModelSpec(name="toys", signature_name=signature, version=number)


def test_response_has_typed_fields_and_the_model_spec(toys: ServerProcess) -> None:
    response = predict(toys, {"x": floats(1, 2, 5)})
    assert list(response.outputs["y"].float_val) == [2.5, 3.0, 4.5]
    assert response.outputs["y"].tensor_content == b""
    assert response.model_spec == ModelSpec(name="toys", version=Int64Value(value=10), signature_name=SIGNATURE_NAME)


def test_reads_tensor_content(toys: ServerProcess) -> None:
    response = predict(toys, {"x": content(np.array([1, 2, 5], np.float32))})
    assert arrays(response)["y"].tolist() == [2.5, 3.0, 4.5]


def test_single_value_fills_the_tensor(toys: ServerProcess) -> None:
    assert arrays(predict(toys, {"x": floats(4, shape=(3,))}))["y"].tolist() == [4, 4, 4]


def test_empty_batch(toys: ServerProcess) -> None:
    assert arrays(predict(toys, {"x": floats()}))["y"].shape == (0,)


def test_requested_version_responds(toys: ServerProcess) -> None:
    assert predict(toys, {"x": floats(1)}, spec("", 10)).model_spec.version.value == 10


@pytest.mark.parametrize("as_content", [True, False])
def test_all_types_are_encoded_and_decoded(toys: ServerProcess, as_content: bool) -> None:
    assert set(TYPED_FIELDS) == set(ECHOED)
    sent = {name: np.array([1, 0, 1]).astype(name) for name in ECHOED}
    inputs = {name: content(array) if as_content else _typed(array) for name, array in sent.items()}
    received = arrays(predict(toys, inputs, spec("echo")))
    for name, array in sent.items():
        assert received[f"{name}_out"].dtype == array.dtype
        assert received[f"{name}_out"].tolist() == array.tolist()


def _typed(array: NDArray[Any]) -> TensorProto:
    proto = TensorProto(dtype=tf.as_dtype(array.dtype).as_datatype_enum)
    proto.tensor_shape.dim.add(size=len(array))
    field, carried = TYPED_FIELDS[array.dtype.name]
    getattr(proto, field).extend(array.view(carried).tolist())
    return proto


def test_strings_are_unchanged(toys: ServerProcess) -> None:
    text = TensorProto(dtype=tf.string.as_datatype_enum, string_val=[b"a\0b\0", "ä".encode(), b"\xff"])
    text.tensor_shape.dim.add(size=3)
    response = predict(toys, {"text": text}, spec("strings"))
    assert list(response.outputs["same_bytes"].string_val) == [b"a\0b\0", "ä".encode(), b"\xff"]


def test_output_filter(toys: ServerProcess) -> None:
    numbers = content(np.array([1, 2], np.int64))
    response = predict(toys, {"a": numbers, "b": numbers}, spec("pair"), ("total",))
    assert {name: array.tolist() for name, array in arrays(response).items()} == {"total": 6}


def test_tensor_limit_is_512_faces(toys: ServerProcess) -> None:
    big = np.zeros(512 * 48 * 48, np.float32)
    assert arrays(predict(toys, {"x": content(big)}))["y"].shape == big.shape
    code, details = predict_error(toys, {"x": content(np.zeros(512 * 48 * 48 + 1, np.float32))})
    assert (code, "1,179,648 values fit" in details) == (INVALID, True)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (ModelSpec(name="unknown"), "Servable not found for request: Latest(unknown)"),
        (ModelSpec(name="toys", version=Int64Value(value=7)), "Servable not found for request: Specific(toys, 7)"),
        (ModelSpec(name="toys", version=Int64Value(value=9)), "Servable not found for request: Specific(toys, 9)"),
    ],
)
def test_unknown_model_or_version_is_not_found(toys: ServerProcess, model: ModelSpec, message: str) -> None:
    assert predict_error(toys, {"x": floats(1)}, model) == (NOT_FOUND, message)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (ModelSpec(), "ModelSpec has no name specified."),
        (ModelSpec(name="toys", version_label="stable"), "Unrecognized servable version label: stable"),
    ],
)
def test_model_needs_a_name_and_no_unknown_label(toys: ServerProcess, model: ModelSpec, message: str) -> None:
    assert predict_error(toys, {"x": floats(1)}, model) == (INVALID, message)


def test_unknown_signature_is_a_failed_precondition(toys: ServerProcess) -> None:
    error = predict_error(toys, {"x": floats(1)}, spec("nope"))
    assert error == (grpc.StatusCode.FAILED_PRECONDITION, 'Serving signature key "nope" not found.')


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "Missing but required: {x}"),
        ({"x": floats(1), "z": floats(1)}, "Sent extra: {z}"),
        ({"z": floats(1)}, "not found in signature: z. Inputs expected to be in the set {x}."),
        ({"x": content(np.array([1], np.int64))}, "Input x must be float32, but int64 was sent."),
        ({"x": TensorProto(dtype=tf.string.as_datatype_enum, string_val=[b""])}, "but string was sent."),
        ({"x": floats(1, shape=(1, 1))}, "Input x must have shape [-1], but [1,1] was sent."),
        ({"x": floats(1, shape=())}, "Input x must have shape [-1], but [] was sent."),
        ({"x": floats(1, 2, shape=(1,))}, "tensor parsing error: x"),
        ({"x": floats(1, shape=(-1,))}, "tensor parsing error: x"),
        ({"x": floats(1, shape=(1 << 40,))}, "tensor parsing error: x"),
        ({"x": TensorProto(dtype=999, float_val=[1])}, "tensor parsing error: x"),
    ],
)
def test_mismatched_inputs_are_invalid(toys: ServerProcess, inputs: dict[str, TensorProto], message: str) -> None:
    code, details = predict_error(toys, inputs)
    assert code is INVALID
    assert message in details


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (("z",), "output tensor alias not found in signature: z Outputs expected to be in the set {y}."),
        (("y", "y"), "duplicate output tensor alias: y"),
    ],
)
def test_mismatched_output_filter_is_invalid(toys: ServerProcess, outputs: tuple[str, ...], message: str) -> None:
    assert predict_error(toys, {"x": floats(1)}, outputs=outputs) == (INVALID, message)


def test_errors_of_the_graph_are_reported_without_source_code(toys: ServerProcess) -> None:
    code, details = predict_error(toys, {"steps": content(np.array(-1, np.int32))}, spec("count"))
    assert code is INVALID
    assert "steps must be positive" in details
    assert "Graph execution error" not in details
    assert "node" not in details


def test_error_about_a_long_name(toys: ServerProcess) -> None:
    code, details = predict_error(toys, {"z" * 100_000: floats(1)})
    assert code is INVALID
    assert details.startswith("input tensor alias not found in signature: zzz")


def test_deadline_ends_the_call(toys: ServerProcess) -> None:
    request = content(np.array(300_000, np.int32))
    with pytest.raises(grpc.RpcError) as caught:
        predict(toys, {"steps": request}, spec("count"), timeout_s=0.2)
    assert code_and_details(caught.value)[0] is grpc.StatusCode.DEADLINE_EXCEEDED
    assert arrays(predict(toys, {"x": floats(1)}))["y"].tolist() == [2.5]
