import io

import numpy as np
import pytest
from PIL import Image

from services.contracts.detection import IMAGE_MEDIA_TYPES
from services.contracts.problems import PROBLEM_MEDIA_TYPE
from services.detector.api import is_heavy
from services.detector.app import create_app
from services.detector.settings import DetectorSettings
from services.runtime.app import ServiceContext
from services.runtime.images import InvalidImageError

LIMIT = 40_000_000


def image(width: int, height: int, image_format: str, noise: bool = False, **options: object) -> bytes:
    pixels = np.random.default_rng(7).integers(0, 255, (height, width), np.uint8)
    shown = Image.fromarray(pixels) if noise else Image.new("L", (width, height), 128)
    out = io.BytesIO()
    shown.save(out, image_format, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "heavy"),
    [
        (image(1280, 720, "JPEG", noise=True), False),
        (image(3840, 2160, "JPEG"), False),
        (image(1280, 720, "JPEG", progressive=True), False),
        (image(3840, 2160, "JPEG", progressive=True), True),
        (image(6000, 6000, "JPEG"), True),
        (image(2400, 2400, "JPEG", noise=True, quality=95), True),
        (image(640, 480, "PNG"), False),
        (image(640, 480, "PNG", noise=True), True),
        (image(640, 480, "WEBP"), False),
        (image(4000, 3000, "WEBP"), True),
    ],
)
def test_what_a_camera_sends_is_light(data: bytes, heavy: bool) -> None:
    assert is_heavy(data, LIMIT) is heavy


def test_what_is_no_image_is_refused_before_a_worker_is_asked() -> None:
    with pytest.raises(InvalidImageError):
        is_heavy(b"no image", LIMIT)


def test_detection_names_its_body_and_its_problems() -> None:
    operation = create_app(DetectorSettings(), ServiceContext()).openapi()["paths"]["/detect"]["post"]
    assert set(operation["requestBody"]["content"]) == set(IMAGE_MEDIA_TYPES)
    errors = {status: response for status, response in operation["responses"].items() if status >= "400"}
    assert {"400", "408", "413", "415", "422", "500", "503"} <= set(errors)
    assert all(PROBLEM_MEDIA_TYPE in response["content"] for response in errors.values())
    assert "`invalid-image`" in errors["422"]["description"]
