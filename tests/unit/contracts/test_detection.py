import base64
import copy
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.detection import (
    DetectedFace,
    Detection,
    DetectTimings,
    Searched,
    decode_pixels,
    encode_pixels,
)
from services.contracts.geometry import Box, ImageSize
from services.contracts.messages import MalformedMessageError
from tests.unit.contracts.samples import boxes

RAMP = np.linspace(0, 1, 48 * 48, dtype=np.float32).reshape(48, 48, 1)
numbers = st.floats(allow_nan=False, allow_infinity=False)


def detection(faces: tuple[DetectedFace, ...]) -> Detection:
    return Detection(ImageSize(1280, 720), Searched.FULL, faces, DetectTimings(1.0, 2.0, 3.0, 6.0))


def sample() -> dict[str, Any]:
    answer = detection((DetectedFace(Box(1, 2, 3, 4), 5.0, 0.5, RAMP),)).encode()
    return copy.deepcopy(answer)


def replaced(path: str, value: Any) -> dict[str, Any]:
    """Return a sound answer with one value replaced; the path's parts stand between dots."""
    answer = sample()
    *parents, last = (int(part) if part.isdecimal() else part for part in path.split("."))
    target: Any = answer
    for part in parents:
        target = target[part]
    target[last] = value
    return answer


@given(st.lists(st.tuples(boxes, numbers, st.floats(0, 1)), max_size=3), st.sampled_from(Searched))
def test_an_answer_survives_json(faces: list[tuple[Box, float, float]], searched: Searched) -> None:
    sent = Detection(
        ImageSize(1280, 720),
        searched,
        tuple(DetectedFace(box, weight, sharpness, RAMP) for box, weight, sharpness in faces),
        DetectTimings(1.0, 2.0, 3.0, 6.0),
    )
    got = Detection.decode(json.loads(json.dumps(sent.encode(), allow_nan=False)))
    assert got.encode() == sent.encode()
    assert (got.image, got.searched, got.timings_ms) == (sent.image, sent.searched, sent.timings_ms)
    assert [(face.box, face.weight, face.sharpness) for face in got.faces] == faces
    assert all(np.array_equal(face.pixels, RAMP) for face in got.faces)


@given(st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4))
def test_pixels_survive_bit_by_bit(corner: list[float]) -> None:
    pixels = RAMP.copy()
    pixels[0, :4, 0] = corner
    got = decode_pixels(encode_pixels(pixels))
    assert got.dtype == np.float32
    assert got.tobytes() == pixels.tobytes()


def test_pixels_are_sent_row_by_row_whatever_their_layout_in_memory() -> None:
    assert encode_pixels(np.asfortranarray(RAMP)) == encode_pixels(RAMP)
    assert encode_pixels(RAMP.astype(">f4")) == encode_pixels(RAMP)


def test_no_face_is_an_answer() -> None:
    assert Detection.decode(detection(()).encode()).faces == ()


def test_unknown_fields_are_ignored() -> None:
    answer = sample()
    answer["later"] = answer["image"]["later"] = answer["faces"][0]["later"] = 1
    assert len(Detection.decode(answer).faces) == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("image", None),
        ("image.width", "1280"),
        ("image.height", 720.5),
        ("searched", "everywhere"),
        ("faces", None),
        ("faces", {"box": {}}),
        ("faces", [1]),
        ("faces.0.box", [1, 2, 3, 4]),
        ("faces.0.box.x", None),
        ("faces.0.box.y", True),
        ("faces.0.box.w", 3.0),
        ("faces.0.weight", None),
        ("faces.0.weight", float("nan")),
        ("faces.0.weight", 10**400),
        ("faces.0.sharpness", "0.5"),
        ("faces.0.pixels", None),
        ("faces.0.pixels", "é"),
        ("overview", 3),
        ("overview", "two\nlines"),
        ("overview", "é"),
        ("timings_ms", 6.0),
        ("timings_ms.total", float("inf")),
    ],
)
def test_a_value_that_can_not_be_read_is_malformed(path: str, value: Any) -> None:
    with pytest.raises(MalformedMessageError):
        Detection.decode(replaced(path, value))


@pytest.mark.parametrize("name", ["image", "searched", "faces", "timings_ms"])
def test_a_missing_field_is_malformed_and_named(name: str) -> None:
    answer = sample()
    del answer[name]
    with pytest.raises(MalformedMessageError, match=name):
        Detection.decode(answer)


@pytest.mark.parametrize("name", ["box", "weight", "sharpness", "pixels"])
def test_a_face_without_one_of_its_fields_is_malformed(name: str) -> None:
    answer = sample()
    del answer["faces"][0][name]
    with pytest.raises(MalformedMessageError, match=name):
        Detection.decode(answer)


@pytest.mark.parametrize("count", [0, 1, 48 * 48 - 1, 48 * 48 + 1])
def test_another_number_of_pixels_is_malformed(count: int) -> None:
    with pytest.raises(MalformedMessageError, match="pixels"):
        decode_pixels(base64.b64encode(np.zeros(count, "<f4").tobytes()).decode())


@pytest.mark.parametrize("text", ["=", "not base64!", encode_pixels(RAMP)[:-4] + "\n==="])
def test_what_is_not_base64_is_malformed(text: str) -> None:
    with pytest.raises(MalformedMessageError, match="pixels"):
        decode_pixels(text)


@pytest.mark.parametrize("value", [-0.01, 1.01, np.nan, np.inf])
def test_a_value_that_is_no_brightness_is_malformed(value: float) -> None:
    pixels = RAMP.copy()
    pixels[20, 20, 0] = value
    with pytest.raises(MalformedMessageError, match="0 to 1"):
        decode_pixels(encode_pixels(pixels))
