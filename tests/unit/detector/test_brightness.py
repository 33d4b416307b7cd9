import numpy as np
import pytest

from services.detector.brightness import brightened


def test_a_bright_picture_stays_as_it_is() -> None:
    gray = np.random.default_rng(1).integers(0, 256, (72, 128), np.uint8)
    assert brightened(gray) is gray


@pytest.mark.parametrize("light", [45, 60, 120])
def test_a_dim_picture_reaches_medium_gray_and_keeps_its_order(light: int) -> None:
    gray = np.tile(np.linspace(0, light, 128).astype(np.uint8), (72, 1))
    bright = brightened(gray)
    assert 120 < bright.max() < 145
    assert (np.diff(bright[0].astype(int)) >= 0).all()


@pytest.mark.parametrize("shape", [(1, 1), (720, 1280)])
def test_black_stays_black(shape: tuple[int, int]) -> None:
    assert brightened(np.zeros(shape, np.uint8)).max() == 0
