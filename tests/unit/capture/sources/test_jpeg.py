import cv2
import numpy as np
import pytest

from services.capture.sources.base import Frame
from services.capture.sources.jpeg import EncodeError, encode_jpeg, jpeg_size
from tests.unit.capture.fakes import make_frame


def test_jpeg_has_the_size_of_the_pixels() -> None:
    assert jpeg_size(encode_jpeg(make_frame(width=64, height=40), quality=85)) == (64, 40)


def test_lower_quality_is_smaller() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    frame = Frame(noise, 64, 64, 0.0, 0)
    assert len(encode_jpeg(frame, 30)) < len(encode_jpeg(frame, 95))


def test_jpeg_of_the_camera_is_returned_unchanged() -> None:
    assert encode_jpeg(Frame(b"\xff\xd8 whatever", 4, 4, 0.0, 0), quality=85) == b"\xff\xd8 whatever"


def test_invalid_pixels_are_an_error() -> None:
    with pytest.raises(EncodeError):
        encode_jpeg(Frame(np.zeros((0, 0, 3), np.uint8), 0, 0, 0.0, 0), quality=85)


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\xff\xd8 noise", cv2.imencode(".png", np.zeros((8, 8), np.uint8))[1].tobytes()]
)
def test_invalid_jpeg_has_no_size(data: bytes) -> None:
    assert jpeg_size(data) is None
