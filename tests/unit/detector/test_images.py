import cv2
import numpy as np
import pytest

from services.detector.images import decode_gray, stretch_brightness
from services.runtime.images import ImageTooLargeError, InvalidImageError
from tests.support import images

LIMIT = 40_000_000


@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp"])
def test_each_format_is_decoded_to_gray(extension: str) -> None:
    gray = decode_gray(images.encode(images.one_face(), extension), LIMIT)
    assert gray.shape == (720, 1280)
    assert gray.dtype == np.uint8


def test_exif_turns_the_picture_upright() -> None:
    lying = np.rot90(images.scene(width=400, height=300)).copy()
    lying[:20] = 255
    upright = decode_gray(images.jpeg_with_orientation(lying, 6), LIMIT)
    assert upright.shape == (300, 400)
    assert upright[:, -10:].mean() > 250


@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_orientation_is_applied_as_opencv_applies_it(orientation: int) -> None:
    stored = np.zeros((48, 64, 3), np.uint8)
    stored[:16, :16] = 250
    stored[:16, 48:] = 120
    lying = images.jpeg_with_orientation(stored, orientation)
    by_opencv = cv2.imdecode(np.frombuffer(lying, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert np.array_equal(decode_gray(lying, LIMIT), np.asarray(by_opencv))


def test_an_animation_gives_its_first_picture() -> None:
    bright = np.full((48, 64, 3), 200, np.uint8)
    gray = decode_gray(images.animated_webp(bright, np.zeros_like(bright)), LIMIT)
    assert gray.shape == (48, 64)
    assert abs(int(gray.mean()) - 200) < 5


def test_sixteen_bits_keep_their_brightness() -> None:
    gray = decode_gray(images.png_16_bit(np.full((30, 40, 3), 100, np.uint8)), LIMIT)
    assert abs(int(gray.mean()) - 100) <= 1


def test_transparency_is_left_out() -> None:
    gray = decode_gray(images.rgba_png(np.full((30, 40, 3), 100, np.uint8)), LIMIT)
    assert gray.shape == (30, 40)
    assert abs(int(gray.mean()) - 100) <= 1


def test_one_pixel_is_a_picture() -> None:
    assert decode_gray(images.encode(np.zeros((1, 1, 3), np.uint8), ".png"), LIMIT).shape == (1, 1)


@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.95])
def test_a_picture_cut_off_is_refused(extension: str, kept: float) -> None:
    data = images.encode(images.one_face(), extension)
    with pytest.raises(InvalidImageError):
        decode_gray(data[: int(len(data) * kept)], LIMIT)


@pytest.mark.parametrize("data", [b"x", b"not an image at all", b"GIF89a" + bytes(50), b"\xff\xd8\xff", bytes(1000)])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidImageError):
        decode_gray(data, LIMIT)


def test_too_many_pixels_are_refused_by_the_header() -> None:
    with pytest.raises(ImageTooLargeError, match=r"20000 × 20000|more than 40,000,000"):
        decode_gray(images.huge_png(), LIMIT)
    with pytest.raises(ImageTooLargeError, match="1280 × 720"):
        decode_gray(images.encode(images.no_face()), 1280 * 720 - 1)


def test_a_bright_picture_stays_as_it_is() -> None:
    gray = np.random.default_rng(1).integers(0, 256, (72, 128), np.uint8)
    assert stretch_brightness(gray) is gray


@pytest.mark.parametrize("light", [45, 60, 120])
def test_a_dim_picture_reaches_medium_gray_and_keeps_its_order(light: int) -> None:
    gray = np.tile(np.linspace(0, light, 128).astype(np.uint8), (72, 1))
    bright = stretch_brightness(gray)
    assert 120 < bright.max() < 145
    assert (np.diff(bright[0].astype(int)) >= 0).all()


@pytest.mark.parametrize("shape", [(1, 1), (720, 1280)])
def test_black_stays_black(shape: tuple[int, int]) -> None:
    assert stretch_brightness(np.zeros(shape, np.uint8)).max() == 0
