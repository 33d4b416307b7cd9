"""Draws what may stand behind a face: smooth light, texture, shapes out of focus. No photograph is needed."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from services.contracts.geometry import ImageSize

Picture = NDArray[np.float32]
"""float32 [height, width, 3], about 0 to 255."""


def background(size: ImageSize, rng: np.random.Generator) -> Picture:
    """Return one of the kinds, chosen and drawn by chance."""
    kinds: tuple[Callable[[ImageSize, np.random.Generator], Picture], ...] = (_light, _texture, _shapes)
    return kinds[int(rng.integers(len(kinds)))](size, rng)


def _light(size: ImageSize, rng: np.random.Generator) -> Picture:
    return _enlarged(rng.uniform(20, 230, (4, 7, 3)), size)


def _texture(size: ImageSize, rng: np.random.Generator) -> Picture:
    """Noise at six sizes of grain, the finer the fainter."""
    picture = np.broadcast_to(rng.uniform(60, 190, 3), (size.height, size.width, 3)).astype(np.float32)
    for octave in range(1, 7):
        grain = rng.normal(0, 45 / 1.6**octave, (9 * 2**octave // 2, 16 * 2**octave // 2, 3))
        picture += _enlarged(grain, size)
    return picture


def _shapes(size: ImageSize, rng: np.random.Generator) -> Picture:
    canvas = np.clip(_light(size, rng), 0, 255).astype(np.uint8)
    for _ in range(40):
        colour = [int(value) for value in rng.integers(0, 256, 3)]
        x, y = int(rng.integers(size.width)), int(rng.integers(size.height))
        width, height = (int(value) for value in rng.integers(20, 300, 2))
        if rng.random() < 0.5:
            cv2.rectangle(canvas, (x, y), (x + width, y + height), colour, -1)
        else:
            cv2.ellipse(canvas, (x, y), (width // 2, height // 2), rng.uniform(0, 180), 0, 360, colour, -1)
    return cv2.GaussianBlur(canvas, (0, 0), rng.uniform(1, 6)).astype(np.float32)


def _enlarged(small: NDArray[np.float64], size: ImageSize) -> Picture:
    large = cv2.resize(small.astype(np.float32), (size.width, size.height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, np.float32)
