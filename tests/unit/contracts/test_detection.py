import base64
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.detection import DetectedFace, Detection, DetectTimings, SearchScope, model_input
from services.contracts.geometry import Box, ImageSize
from services.contracts.messages import MalformedMessageError
from tests.unit.contracts.samples import boxes

PIXELS = bytes(number % 256 for number in range(48 * 48))
numbers = st.floats(allow_nan=False, allow_infinity=False)


def detection(faces: tuple[DetectedFace, ...]) -> Detection:
    return Detection(ImageSize(1280, 720), SearchScope.FULL, faces, DetectTimings(1.0, 2.0, 3.0, 6.0))


def sample() -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(detection((DetectedFace(Box(1, 2, 3, 4), 5.0, 0.5, PIXELS),)).to_json())
    return answer


def decoded(answer: object) -> Detection:
    return Detection.from_json(json.dumps(answer).encode())


def replaced(path: str, value: Any) -> dict[str, Any]:
    """Return a valid answer with one value replaced; the path's parts are separated by dots."""
    answer = sample()
    *parents, last = (int(part) if part.isdecimal() else part for part in path.split("."))
    target: Any = answer
    for part in parents:
        target = target[part]
    target[last] = value
    return answer


@given(st.lists(st.tuples(boxes, numbers, st.floats(0, 1), st.binary(min_size=2304, max_size=2304)), max_size=3))
def test_an_answer_survives_json(faces: list[tuple[Box, float, float, bytes]]) -> None:
    for scope in SearchScope:
        sent = Detection(
            ImageSize(1280, 720),
            scope,
            tuple(DetectedFace(*face) for face in faces),
            DetectTimings(1.0, 2.0, 3.0, 6.0),
            "AAAA",
        )
        assert Detection.from_json(sent.to_json()) == sent


def test_every_pixel_value_reaches_the_model_bit_by_bit() -> None:
    face = DetectedFace(Box(1, 2, 3, 4), 5.0, 0.5, PIXELS)
    (received,) = Detection.from_json(detection((face,)).to_json()).faces
    batch = model_input([received, received])
    assert batch.shape == (2, 48, 48, 1)
    assert batch.dtype == np.float32
    values = np.arange(256, dtype=np.uint8).astype(np.float32) / np.float32(255)
    assert batch[0].ravel()[:256].tobytes() == values.tobytes()
    assert batch[1].ravel()[-256:].tobytes() == values.tobytes()


def test_no_face_is_an_answer() -> None:
    assert Detection.from_json(detection(()).to_json()).faces == ()
    assert model_input(()).shape == (0, 48, 48, 1)


def test_unknown_fields_are_ignored() -> None:
    answer = sample()
    answer["later"] = answer["image"]["later"] = answer["faces"][0]["later"] = 1
    assert len(decoded(answer).faces) == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("image", None),
        ("image.width", "1280"),
        ("image.height", 720.5),
        ("scope", "everywhere"),
        ("faces", None),
        ("faces", {"box": {}}),
        ("faces", [1]),
        ("faces.0.box", [1, 2, 3, 4]),
        ("faces.0.box.x", None),
        ("faces.0.box.y", True),
        ("faces.0.box.w", 3.5),
        ("faces.0.weight", None),
        ("faces.0.weight", float("nan")),
        ("faces.0.weight", 10**400),
        ("faces.0.sharpness", "0.5"),
        ("faces.0.pixels", None),
        ("faces.0.pixels", "é"),
        ("reference", 3),
        ("reference", "two\nlines"),
        ("reference", "é"),
        ("timings_ms", 6.0),
        ("timings_ms.total", float("inf")),
    ],
)
def test_an_invalid_value_is_malformed(path: str, value: Any) -> None:
    with pytest.raises(MalformedMessageError):
        decoded(replaced(path, value))


@pytest.mark.parametrize("name", ["image", "scope", "faces", "timings_ms"])
def test_a_missing_field_is_malformed_and_named(name: str) -> None:
    answer = sample()
    del answer[name]
    with pytest.raises(MalformedMessageError, match=name):
        decoded(answer)


@pytest.mark.parametrize("name", ["box", "weight", "sharpness", "pixels"])
def test_a_face_without_one_of_its_fields_is_malformed(name: str) -> None:
    answer = sample()
    del answer["faces"][0][name]
    with pytest.raises(MalformedMessageError, match=name):
        decoded(answer)


@pytest.mark.parametrize("count", [0, 1, 48 * 48 - 1, 48 * 48 + 1, 4 * 48 * 48])
def test_another_number_of_pixels_is_malformed(count: int) -> None:
    with pytest.raises(MalformedMessageError, match="pixels"):
        decoded(replaced("faces.0.pixels", base64.b64encode(bytes(count)).decode()))


@pytest.mark.parametrize("text", ["=", "not base64!", base64.b64encode(PIXELS).decode()[:-4] + "\n==="])
def test_text_that_is_not_base64_is_malformed(text: str) -> None:
    with pytest.raises(MalformedMessageError, match="pixels"):
        decoded(replaced("faces.0.pixels", text))
