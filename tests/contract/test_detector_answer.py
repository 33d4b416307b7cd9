"""The exact JSON and query text that detector and gateway of different versions exchange."""

import base64
import hashlib
import json
import struct

import numpy as np

from services.contracts import detection
from services.contracts.detection import (
    REFERENCE_HEADER,
    REQUEST_TIMEOUT_HEADER,
    DetectedFace,
    Detection,
    DetectTimings,
    Searched,
    encode_pixels,
)
from services.contracts.geometry import Box, ImageSize, format_roi, parse_roi

RAMP = (np.arange(48 * 48) / 2303).astype(np.float32).reshape(48, 48, 1)


def test_route_and_media_types() -> None:
    assert detection.DETECT_PATH == "/detect"
    assert detection.IMAGE_MEDIA_TYPES == ("image/jpeg", "image/png", "image/webp", "application/octet-stream")


def test_hint_text() -> None:
    assert format_roi(Box(-4, 133, 196, 200)) == "-4,133,196,200"
    assert parse_roi("-4,133,196,200") == Box(-4, 133, 196, 200)


def test_pixels_are_base64_of_little_endian_float32_row_by_row() -> None:
    text = encode_pixels(RAMP)
    assert text.startswith("AAAAAISn4zmEp2M6o72q")
    raw = base64.b64decode(text)
    assert len(raw) == 48 * 48 * 4
    assert raw[:4] == b"\x00\x00\x00\x00"
    assert raw[-4:] == b"\x00\x00\x80\x3f"
    assert struct.unpack_from("<f", raw, 4 * 48) == (RAMP[1, 0, 0],)
    assert (
        hashlib.sha256(text.encode()).hexdigest() == "4c54ead8289b7af82c687742c7db8f710339d895c51613dd86a7eeebc1053ffd"
    )


def test_whole_answer() -> None:
    answer = Detection(
        image=ImageSize(1280, 720),
        searched=Searched.HINTS,
        faces=(DetectedFace(Box(412, 133, 196, 197), 7.25, 0.5, np.zeros((48, 48, 1), np.float32)),),
        timings_ms=DetectTimings(decode=1.5, search=6.0, crop=0.25, total=7.75),
    )
    assert json.dumps(answer.encode()) == (
        '{"image": {"width": 1280, "height": 720}, "searched": "hints", '
        '"faces": [{"box": {"x": 412, "y": 133, "w": 196, "h": 197}, "weight": 7.25, "sharpness": 0.5, '
        f'"pixels": "{"A" * 12288}"}}], '
        '"timings_ms": {"decode": 1.5, "search": 6.0, "crop": 0.25, "total": 7.75}}'
    )


def test_an_overview_stands_last_where_one_was_asked_for() -> None:
    answer = Detection(ImageSize(1, 1), Searched.CHANGES, (), DetectTimings(1, 1, 1, 3), overview="AAAA")
    assert list(answer.encode().items())[-1] == ("overview", "AAAA")
    assert Detection.decode(answer.encode()).overview == "AAAA"
    assert (REFERENCE_HEADER, REQUEST_TIMEOUT_HEADER) == ("X-Overview", "X-Patience-Ms")


def test_where_the_detector_looked() -> None:
    assert [searched.value for searched in Searched] == ["hints", "full", "changes"]
