import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.geometry import Box
from services.detector.preprocess import CROP_SCALE, as_model_input, crop_box, crop_face, sharpness


def test_the_crop_is_centred_on_the_box_and_wider_by_the_measured_margin() -> None:
    left, top, side = crop_box(Box(100, 200, 50, 50))
    assert side == pytest.approx(50 * CROP_SCALE)
    assert (left + side / 2, top + side / 2) == pytest.approx((125, 225))


@given(x=st.integers(-30, 150), y=st.integers(-30, 120), side=st.integers(20, 200))
def test_any_box_that_touches_the_image_gives_a_face(x: int, y: int, side: int) -> None:
    gray = np.random.default_rng(1).integers(0, 256, (120, 160), np.uint8)
    if x + side <= 5 or y + side <= 5 or x >= 155 or y >= 115:
        return
    pixels = crop_face(gray, Box(x, y, side, side))
    assert pixels.shape == (48, 48)
    assert pixels.dtype == np.uint8


def test_black_and_white_are_kept() -> None:
    gray = np.zeros((100, 100), np.uint8)
    gray[:, 50:] = 255
    pixels = crop_face(gray, Box(26, 26, 48, 48))
    assert pixels[:, 0].max() == 0
    assert pixels[:, -1].min() == 255


def test_beyond_the_edge_the_border_is_repeated() -> None:
    gray = np.full((100, 100), 128, np.uint8)
    assert np.unique(crop_face(gray, Box(-20, -20, 60, 60))).tolist() == [128]


def test_the_models_input_is_a_share_of_255() -> None:
    square = np.arange(256, dtype=np.uint8).repeat(9).reshape(48, 48)
    pixels = as_model_input(square)
    assert pixels.shape == (48, 48, 1)
    assert pixels.dtype == np.float32
    assert np.array_equal(pixels[..., 0], square / np.float32(255))


def test_sharpness_falls_with_blur_and_is_zero_without_detail() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (48, 48), np.uint8)
    soft = np.asarray((noise.astype(float) + np.roll(noise, 1, 0) + np.roll(noise, 1, 1)) / 3, np.uint8)
    flat = np.full((48, 48), 128, np.uint8)
    assert 0 == sharpness(flat) < sharpness(soft) < sharpness(noise) < 1
