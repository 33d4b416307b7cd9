import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.geometry import Box
from services.detector.preprocess import CROP_SCALE, crop_box, face_pixels, sharpness


def test_the_crop_is_centred_on_the_box_and_wider_by_the_measured_margin() -> None:
    left, top, side = crop_box(Box(100, 200, 50, 50))
    assert side == pytest.approx(50 * CROP_SCALE)
    assert (left + side / 2, top + side / 2) == pytest.approx((125, 225))


@given(x=st.integers(-30, 150), y=st.integers(-30, 120), side=st.integers(20, 200))
def test_any_box_that_touches_the_image_gives_the_models_input(x: int, y: int, side: int) -> None:
    gray = np.random.default_rng(1).integers(0, 256, (120, 160), np.uint8)
    if x + side <= 5 or y + side <= 5 or x >= 155 or y >= 115:
        return
    pixels = face_pixels(gray, Box(x, y, side, side))
    assert pixels.shape == (48, 48, 1)
    assert pixels.dtype == np.float32
    assert 0 <= pixels.min() <= pixels.max() <= 1


def test_black_is_zero_and_white_is_one() -> None:
    gray = np.zeros((100, 100), np.uint8)
    gray[:, 50:] = 255
    pixels = face_pixels(gray, Box(26, 26, 48, 48))
    assert pixels[:, 0].max() == 0
    assert pixels[:, -1].min() == 1


def test_beyond_the_edge_the_border_is_repeated() -> None:
    gray = np.full((100, 100), 128, np.uint8)
    assert np.unique(face_pixels(gray, Box(-20, -20, 60, 60))).tolist() == pytest.approx([128 / 255])


def test_sharpness_falls_with_blur_and_is_zero_without_detail() -> None:
    noise = np.random.default_rng(1).random((48, 48, 1), np.float32)
    soft = (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1)) / np.float32(3)
    flat = np.full((48, 48, 1), 0.5, np.float32)
    assert 0 == sharpness(flat) < sharpness(soft) < sharpness(noise) < 1
