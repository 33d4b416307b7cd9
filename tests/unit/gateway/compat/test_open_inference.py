"""Requests of the Open Inference Protocol: tensors in JSON and in binary."""

import json
import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from services.gateway.compat.base import ParseError
from services.gateway.compat.open_inference import MAX_FACES, MAX_JSON_FACES, parse_request

FACES: NDArray[np.float32] = np.linspace(0, 1, 2 * 48 * 48, dtype=np.float32).reshape(2, 48, 48, 1)
TENSOR = {"name": "face", "shape": [2, 48, 48, 1], "datatype": "FP32"}


def body(tensor: dict[str, Any], **members: Any) -> bytes:
    return json.dumps({"inputs": [tensor], **members}).encode()


def binary(size: int) -> dict[str, Any]:
    return {**TENSOR, "parameters": {"binary_data_size": size}}


@pytest.mark.parametrize("data", [FACES.ravel().tolist(), FACES.tolist()], ids=["flat", "nested"])
def test_numbers_may_be_flat_or_nested(data: list[Any]) -> None:
    asked = parse_request(body({**TENSOR, "data": data}, id="7"), None)
    assert asked.id == "7"
    assert asked.faces.dtype == np.float32
    assert np.array_equal(asked.faces, FACES)
    assert asked.outputs == {"probabilities": False, "reliable": False}


def test_data_may_follow_in_binary() -> None:
    head = body(binary(FACES.nbytes), parameters={"binary_data_output": True})
    asked = parse_request(head + FACES.tobytes(), str(len(head)))
    assert np.array_equal(asked.faces, FACES)
    assert asked.outputs == {"probabilities": True, "reliable": True}


def test_as_many_faces_as_may_be_in_one_request_can_be_nested() -> None:
    nested = np.random.default_rng(0).random((MAX_JSON_FACES, 48, 48, 1)).tolist()
    sent = json.dumps({"inputs": [{**TENSOR, "shape": [MAX_JSON_FACES, 48, 48, 1], "data": nested}]}, indent=1)
    assert len(parse_request(sent.encode(), None).faces) == MAX_JSON_FACES


def test_more_faces_can_be_in_binary() -> None:
    faces = np.zeros((MAX_FACES, 48, 48, 1), np.float32)
    head = body({**binary(faces.nbytes), "shape": list(faces.shape)})
    assert len(parse_request(head + faces.tobytes(), str(len(head))).faces) == MAX_FACES


def test_outputs_can_be_chosen_each_in_its_own_way() -> None:
    wanted = [{"name": "reliable"}, {"name": "probabilities", "parameters": {"binary_data": True}}]
    asked = parse_request(body({**TENSOR, "data": FACES.tolist()}, outputs=wanted), None)
    assert list(asked.outputs.items()) == [("reliable", False), ("probabilities", True)]


def wrong(**members: Any) -> bytes:
    return body({**TENSOR, "data": FACES.ravel().tolist(), **members})


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"{}", "inputs"),
        (b'{"inputs": [5]}', "inputs"),
        (wrong(name="faces"), "one input, 'face'"),
        (wrong(datatype="FP64"), "FP32"),
        (wrong(shape=[2, 48, 48]), "shape"),
        (wrong(shape=[]), "shape"),
        (wrong(shape=[True, 48, 48, 1]), "shape"),
        (wrong(shape=[0, 48, 48, 1]), "1 to 64 faces"),
        (wrong(shape=[65, 48, 48, 1]), "1 to 64 faces"),
        (wrong(shape=[9, 48, 48, 1]), "in JSON a request may have 8 faces"),
        (wrong(shape=[1, 48, 48, 1]), "another number"),
        (wrong(data=None), "needs data"),
        (wrong(data=[]), "numbers"),
        (wrong(data=["0.5"] * 4608), "numbers"),
        (wrong(data=[None] * 4608), "numbers"),
        (wrong(data=[10**400] + [0] * 4607), "numbers"),
        (wrong(data=[[0.5], 0.5]), "different lengths"),
        (wrong(data=[1e300] + [0] * 4607), "outside 0 to 1"),
        (wrong(data=[float("nan")] + [0] * 4607), "outside 0 to 1"),
        (wrong(data=[-0.1] + [0] * 4607), "outside 0 to 1"),
        (body({**TENSOR, "data": FACES.tolist()}, id=7), "id"),
        (body({**TENSOR, "data": FACES.tolist()}, outputs=[{"name": "logits"}]), "outputs are"),
        (body({**TENSOR, "data": FACES.tolist()}, outputs=[{"name": "reliable", "parameters": 5}]), "parameters"),
        (body({**TENSOR, "data": FACES.tolist()}, outputs={"name": "reliable"}), "outputs must"),
        (
            body(
                {**TENSOR, "data": FACES.tolist()}, outputs=[{"name": "reliable", "parameters": {"classification": 1}}]
            ),
            "classification",
        ),
        (body({**TENSOR, "data": FACES.tolist()}, parameters={"binary_data_output": 1}), "binary_data_output"),
        (body(binary(4)), "0 bytes follow"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_what_is_refused(sent: bytes, reason: str) -> None:
    with pytest.raises(ParseError, match=reason):
        parse_request(sent, None)


def test_json_has_a_limit_of_its_own() -> None:
    with pytest.raises(ParseError, match="the JSON may have"):
        parse_request(wrong(name=" " * 2_100_000), None)


def test_a_long_text_among_numbers_takes_no_more_room_than_it_has() -> None:
    sent = wrong(data=["0" * 10_000] + [0] * 4607)
    tracemalloc.start()
    try:
        with pytest.raises(ParseError, match="numbers"):
            parse_request(sent, None)
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most_bytes < 10_000_000


@pytest.mark.parametrize("length", ["-1", "9999999", "ten", "²", "9" * 50])
def test_lengths_that_cannot_be(length: str) -> None:
    with pytest.raises(ParseError, match="Inference-Header-Content-Length"):
        parse_request(body({**TENSOR, "data": FACES.tolist()}), length)


@pytest.mark.parametrize("size", [FACES.nbytes - 4, FACES.nbytes + 4, 0, "18432", True, None])
def test_sizes_that_cannot_be(size: Any) -> None:
    head = body({**TENSOR, "parameters": {"binary_data_size": size}})
    with pytest.raises(ParseError):
        parse_request(head + FACES.tobytes(), str(len(head)))
