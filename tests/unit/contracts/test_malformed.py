"""Whatever bytes or JSON another process sends: a message comes out, or a short error that doesn't repeat them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.contracts.cameras import STATUS_FIELDS, CameraList, CameraState, CameraStatus
from services.contracts.detection import DetectedFace, Detection
from services.contracts.frames import MAX_JPEG_BYTES, FrameMessage, captured_at_us, frame_order
from services.contracts.geometry import Box
from services.contracts.live import LiveFields
from services.contracts.messages import MalformedMessageError
from services.contracts.prediction import Prediction
from services.contracts.text import MAX_TEXT_CHARS, replace_unprintable

LONGEST_ERROR = 300
FRAME = {b"jpeg": b"\xff\xd8", b"captured_at": b"5", b"delay_us": b"4", b"width": b"3", b"height": b"2", b"seq": b"1"}
STATUS = {
    name.encode(): value.encode()
    for name, value in CameraStatus(CameraState.ONLINE, "0", 29.9, 1280, 720, 3, 2, 1, "").encode().items()
}
ODD_NUMBERS = [
    b"",
    b"x",
    b"1_0",
    b" 1",
    b"1 ",
    b"+1",
    b"1\n",
    b"0x10",
    b"1e3",
    "١".encode(),
    b"-1",
    b"9" * 21,
    b"9" * 5000,
    b"nan",
    b"inf",
    b"-0.0",
    b"\xff" * 5_000_000,
]
HOSTILE_TEXT = "\x1b]52;c;YWJj\x07\u202eexe.txt\r\n\x00\u2028"

names = st.sampled_from([*FRAME, *STATUS, b"other", b"\xff"])
fields = st.dictionaries(names, st.binary(max_size=40) | st.sampled_from(ODD_NUMBERS[:-1]), max_size=14)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(10**400)
json_names = st.sampled_from(
    [
        "image",
        "width",
        "height",
        "scope",
        "faces",
        "timings_ms",
        "reference",
        "box",
        "x",
        "y",
        "w",
        "h",
        "weight",
        "sharpness",
        "pixels",
        "decode",
        "cameras",
        "id",
        "state",
        "kind",
        "face_id",
        "emotion",
        "at_s",
        "duration_s",
        "source",
        "model",
        "name",
        "version",
        "probabilities",
        "request_id",
        "confidence",
        "total",
    ]
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(json_names, inner, max_size=4)
)
JSON_DECODERS: list[Callable[[bytes], object]] = [
    Detection.from_json,
    CameraList.from_json,
    LiveFields.from_json,
    Prediction.from_json,
]


def error_of(call: Callable[[], object]) -> str:
    """Return the text of the error, empty if there is none; any other error fails the test."""
    try:
        call()
    except MalformedMessageError as error:
        text = str(error)
        assert len(text) <= LONGEST_ERROR
        assert text.isprintable()
        return text
    return ""


@given(fields, st.dictionaries(names, st.binary(max_size=9), max_size=3))
def test_any_fields_are_a_message_or_malformed(whole: dict[bytes, bytes], replaced: dict[bytes, bytes]) -> None:
    for given_fields in (whole, {**FRAME, **whole}, {**FRAME, **replaced}):
        error_of(lambda given_fields=given_fields: FrameMessage.decode(given_fields))  # type: ignore[misc]
    for given_fields in (whole, {**STATUS, **whole}, {**STATUS, **replaced}):
        error_of(lambda given_fields=given_fields: CameraStatus.decode(given_fields))  # type: ignore[misc]


@given(st.text(max_size=60))
@example("9" * 20 + "-0")
@example("0--5")
@example("1-" + "9" * 5000)
def test_any_entry_id_is_one_or_malformed(text: str) -> None:
    error_of(lambda: frame_order(text))
    error_of(lambda: captured_at_us(text, 0))


@pytest.mark.parametrize("decode", JSON_DECODERS)
@given(value=values)
def test_any_json_is_a_message_or_malformed(decode: Callable[[bytes], object], value: Any) -> None:
    error_of(lambda: decode(json.dumps(value).encode()))


@pytest.mark.parametrize("decode", JSON_DECODERS)
@given(value=st.binary(max_size=200))
@example(value=b"[" * 100_000)
@example(value=b'{"a":' * 100_000)
@example(value=b'{"faces": "\xff"}')
def test_any_bytes_are_a_message_or_malformed(decode: Callable[[bytes], object], value: bytes) -> None:
    error_of(lambda: decode(value))


@pytest.mark.parametrize("value", ODD_NUMBERS)
@pytest.mark.parametrize("name", [b"captured_at", b"delay_us", b"width", b"height", b"seq"])
def test_a_frame_takes_numbers_in_ascii_digits_only(name: bytes, value: bytes) -> None:
    assert name.decode() in error_of(lambda: FrameMessage.decode({**FRAME, name: value}))


@pytest.mark.parametrize("value", [value for value in ODD_NUMBERS if value])
@pytest.mark.parametrize("name", [b"fps", b"width", b"height", b"published", b"dropped", b"reconnects", b"delay_us"])
def test_a_status_takes_numbers_in_ascii_digits_only(name: bytes, value: bytes) -> None:
    assert name.decode() in error_of(lambda: CameraStatus.decode({**STATUS, name: value}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"width", b"65536"),
        (b"height", b"65536"),
        (b"seq", str(2**63).encode()),
        (b"jpeg", b"\xff" * (MAX_JPEG_BYTES + 1)),
    ],
)
def test_a_frame_beyond_what_a_camera_makes_is_malformed(name: bytes, value: bytes) -> None:
    assert name.decode() in error_of(lambda: FrameMessage.decode({**FRAME, name: value}))


@pytest.mark.parametrize("name", [b"source", b"last_error"])
def test_the_texts_of_a_status_are_made_fit_for_people(name: bytes) -> None:
    for value in (HOSTILE_TEXT.encode(), b"\xff\xfe\x80", b"a" * 5_000_000, "é".encode() * 2_000_000):
        status = CameraStatus.decode({**STATUS, name: value})
        shown = {b"source": status.source, b"last_error": status.last_error}[name]
        assert shown.isprintable()
        assert 0 < len(shown) <= MAX_TEXT_CHARS
        assert status.state is CameraState.ONLINE


def test_text_for_people_keeps_what_can_be_printed() -> None:
    assert replace_unprintable("Kamera an der Tür: 日本語") == "Kamera an der Tür: 日本語"
    assert replace_unprintable("two\nlines") == "two lines"
    assert replace_unprintable(b"caf\xc3\xa9 \xff") == "café \ufffd"
    assert replace_unprintable("a" * MAX_TEXT_CHARS) == "a" * MAX_TEXT_CHARS
    assert replace_unprintable("") == ""


def test_every_field_of_a_status_is_read() -> None:
    assert set(STATUS_FIELDS) == {name.decode() for name in STATUS}


def detection(**changes: Any) -> dict[str, Any]:
    return {
        "image": {"width": 1280, "height": 720},
        "scope": "full",
        "faces": [],
        "timings_ms": {"decode": 1, "search": 1, "crop": 1, "total": 3},
        **changes,
    }


def one_face(**changes: Any) -> dict[str, Any]:
    return {"box": {"x": 1, "y": 2, "w": 3, "h": 4}, "weight": 1.0, "sharpness": 0.5, "pixels": "A" * 3072, **changes}


@pytest.mark.parametrize(
    "changes",
    [
        {"faces": [one_face()] * 1001},
        {"faces": [one_face(pixels="A" * 3068)]},
        {"faces": [one_face(pixels="A" * 3076)]},
        {"faces": [one_face(box={"x": 2**31, "y": 0, "w": 1, "h": 1})]},
        {"faces": [one_face(box={"x": 0, "y": 0, "w": -1, "h": 1})]},
        {"faces": [one_face(weight=10**400)]},
        {"image": {"width": 2**31, "height": 1}},
        {"reference": "A" * 32_769},
        {"scope": HOSTILE_TEXT},
    ],
)
def test_a_detection_beyond_its_limits_is_malformed(changes: dict[str, Any]) -> None:
    assert "detection" in error_of(lambda: Detection.from_json(json.dumps(detection(**changes)).encode()))


def test_a_detection_within_its_limits_is_read() -> None:
    read = Detection.from_json(json.dumps(detection(faces=[one_face()] * 3, reference="A" * 21_848)).encode())
    assert [type(face) for face in read.faces] == [DetectedFace] * 3
    assert read.faces[0].box == Box(1, 2, 3, 4)


@pytest.mark.parametrize("member", ["source", "last_error"])
def test_clients_get_texts_of_cameras_fit_for_a_terminal(member: str) -> None:
    camera = {
        "id": "cam0",
        "state": "online",
        "source": "demo",
        "fps": 30.0,
        "width": 1,
        "height": 1,
        "age_ms": 1.0,
        "published": 1,
        "dropped": 0,
        "reconnects": 0,
        "last_error": "",
        member: HOSTILE_TEXT,
    }
    (view,) = CameraList.from_json(json.dumps({"cameras": [camera]})).cameras
    assert {"source": view.source, "last_error": view.last_error}[member].isprintable()
