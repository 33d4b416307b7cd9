import json
from typing import Any

import numpy as np
import pytest

from services.serving.errors import InvalidArgumentError, UnsupportedError
from services.serving.rest_json import JsonRequest, parse_request, to_arrays, to_json
from services.serving.signature import Array
from tests.unit.serving.specs import input_spec, signature

X = signature(input_spec("x", "float32", None))
TEXT = signature(input_spec("text", "string", None))
PAIR = signature(input_spec("a", "int32", None), input_spec("b", "bool", None, 2))


def rows(values: Any) -> JsonRequest:
    return JsonRequest("", True, values)


def columns(values: Any) -> JsonRequest:
    return JsonRequest("", False, values)


def test_a_request_is_rows_or_columns() -> None:
    assert parse_request(b'{"instances": [1]}') == JsonRequest("", True, [1])
    assert parse_request(b'{"signature_name": "s", "inputs": 1}') == JsonRequest("s", False, 1)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "JSON Parse error: "),
        (b"\xff", "JSON Parse error: "),
        (b"[" * 100_000, "JSON Parse error: nested too deeply"),
        (b'{"instances": [' + b"9" * 5000 + b"]}", "JSON Parse error: not UTF-8, or a number with too many digits"),
        (b'{"instances": [' + b"[]," * 500_000 + b"[]]}", "JSON Parse error: more than 800,000 values"),
        (b'{"instances": [' + b"{}," * 200_000 + b"{}]}", "JSON Parse error: more than 800,000 values"),
        (b"[]", "must be a JSON object with one of 'instances' and 'inputs'"),
        (b"{}", "must be a JSON object with one of 'instances' and 'inputs'"),
        (b'{"instances": [1], "inputs": [1]}', "must be a JSON object with one of 'instances' and 'inputs'"),
        (b'{"instances": [1], "signature_name": 1}', "'signature_name' key must be a string value"),
    ],
)
def test_a_body_that_cannot_be_read(body: bytes, message: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        parse_request(body)
    assert message in str(caught.value)


@pytest.mark.parametrize("request_", [rows([1, 2.5]), rows([{"x": 1}, {"x": 2.5}]), columns([1, 2.5])])
def test_one_input_needs_no_name(request_: JsonRequest) -> None:
    (array,) = to_arrays(request_, X).values()
    assert array.dtype == np.float32
    assert array.tolist() == [1.0, 2.5]


@pytest.mark.parametrize(
    "request_",
    [
        rows([{"a": 1, "b": [True, False]}, {"a": 2, "b": [False, False]}]),
        columns({"a": [1, 2], "b": [[True, False], [False, False]]}),
    ],
)
def test_several_inputs_are_named(request_: JsonRequest) -> None:
    arrays = to_arrays(request_, PAIR)
    assert (arrays["a"].dtype.name, arrays["a"].tolist()) == ("int32", [1, 2])
    assert (arrays["b"].dtype.name, arrays["b"].tolist()) == ("bool", [[True, False], [False, False]])


def test_strings_are_bytes_and_may_come_as_base64() -> None:
    assert to_arrays(rows(["ä\0", {"b64": "/wA="}]), TEXT)["text"].tolist() == ["ä\0".encode(), b"\xff\0"]
    assert to_arrays(columns({"b64": "/wA="}), TEXT)["text"].tolist() == b"\xff\0"


def test_numbers_that_json_lacks_are_read() -> None:
    array = to_arrays(parse_request(b'{"inputs": [NaN, -Infinity]}'), X)["x"]
    assert np.isnan(array[0])
    assert array[1] == -np.inf


@pytest.mark.parametrize(
    ("request_", "spec", "message"),
    [
        (rows([]), X, "'instances' must be a list of at least one instance"),
        (rows(1), X, "'instances' must be a list of at least one instance"),
        (rows([1]), PAIR, "'instances' must name its inputs, which are {a,b}"),
        (columns([1]), PAIR, "'inputs' must name its inputs, which are {a,b}"),
        (rows([{"x": 1}, 2]), X, "Instance 1 doesn't have the same named inputs as instance 0"),
        (rows([{"x": 1}, {"y": 1}]), X, "Instance 1 doesn't have the same named inputs as instance 0"),
        (rows([{"y": 1}]), X, "input tensor alias not found in signature: y."),
        (rows([[1], [1, 2]]), X, "lists of different lengths"),
        (rows([1, [2]]), X, "lists of different lengths"),
        (rows([[[1], 2]]), X, "lists of different lengths"),
        (rows(["1"]), X, 'JSON Value: "1" is not of expected type: float32 (input x)'),
        (rows([None]), X, "JSON Value: null is not of expected type: float32"),
        (rows([1, True]), X, "JSON Value: true is not of expected type: float32"),
        (rows([1e39]), X, "a number outside the range of float32"),
        (parse_request(b'{"instances": [1e999]}'), X, "a number outside the range of float32"),
        (parse_request(b'{"instances": ' + b"[" * 40 + b"]" * 40 + b"}"), X, "more than 32 dimensions"),
        (parse_request(b'{"instances": ' + b"[" * 500 + b"]" * 500 + b"}"), X, "more than 32 dimensions"),
        (rows([10**400]), X, "a number outside the range of float32"),
        (columns({"a": [1.5], "b": []}), PAIR, "JSON Value: 1.5 is not of expected type: int32"),
        (columns({"a": [1 << 31], "b": []}), PAIR, "a number outside the range of int32"),
        (columns({"a": [1], "b": [1]}), PAIR, "JSON Value: 1 is not of expected type: bool"),
        (rows([1]), TEXT, "JSON Value: 1 is not of expected type: string"),
        (rows([{"b64": "%"}]), TEXT, "unable to decode a string"),
        (rows(["\ud800"]), TEXT, "unable to decode a string"),
        (rows([["a", {"b65": "YQ=="}]]), TEXT, "is not of expected type: string"),
    ],
)
def test_values_that_do_not_fit(request_: JsonRequest, spec: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        to_arrays(request_, spec)
    assert message in str(caught.value)


def test_an_input_that_json_cannot_carry() -> None:
    with pytest.raises(UnsupportedError, match="Input z is complex64"):
        to_arrays(rows([1]), signature(input_spec("z", "complex64", None)))


@pytest.mark.parametrize(
    ("by_row", "outputs", "answer"),
    [
        (True, {"y": np.array([0.2, 1], np.float32)}, {"predictions": [0.2, 1.0]}),
        (True, {"y": np.array([[1], [2]])}, {"predictions": [[1], [2]]}),
        (False, {"y": np.array(3)}, {"outputs": 3}),
        (True, {"a": np.array([1, 2]), "b": np.array([[True], [False]])},
         {"predictions": [{"a": 1, "b": [True]}, {"a": 2, "b": [False]}]}),
        (False, {"a": np.array([1, 2]), "b": np.array(0.25)}, {"outputs": {"a": [1, 2], "b": 0.25}}),
        (True, {"y": np.array([b"a", b"\xff"], object)}, {"predictions": ["a", {"b64": "/w=="}]}),
        (True, {"raw_bytes": np.array([b"a"], object)}, {"predictions": [{"b64": "YQ=="}]}),
        (False, {"y": np.array([0.1], np.float16)}, {"outputs": [pytest.approx(0.1, abs=1e-4)]}),
    ],
)  # fmt: skip
def test_answers(by_row: bool, outputs: dict[str, Array], answer: Any) -> None:
    assert json.loads(to_json(outputs, by_row)) == answer


def test_float32_is_written_as_the_shortest_number_that_reads_back_the_same() -> None:
    numbers = np.random.default_rng(1).random(200, np.float32)
    text = to_json({"y": numbers}, True)
    assert np.array_equal(np.array(json.loads(text)["predictions"], np.float32), numbers)
    assert max(len(number) for number in text.split(",")[1:-1]) < 15


def test_numbers_that_json_lacks_are_written_bare() -> None:
    assert to_json({"y": np.array([np.nan, -np.inf], np.float32)}, True) == '{"predictions": [NaN, -Infinity]}'


@pytest.mark.parametrize("other", [np.array(1), np.array([1, 2, 3])])
def test_rows_need_a_common_batch_size(other: Array) -> None:
    with pytest.raises(InvalidArgumentError, match="The outputs have no common batch size"):
        to_json({"a": np.array([1, 2]), "b": other}, True)


def test_an_output_that_json_cannot_carry() -> None:
    with pytest.raises(UnsupportedError, match="Output y is complex64"):
        to_json({"y": np.array([1j], np.complex64)}, False)
