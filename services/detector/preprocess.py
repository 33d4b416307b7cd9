"""Turn a face in an image into the model's input. Training uses the same functions."""

import cv2
import numpy as np
from numpy.typing import NDArray

from services.contracts.geometry import Box
from services.contracts.model import FACE_SIDE

CROP_SCALE = 1.04
"""Side of the crop over the side of the cascade's box, so that crops look like FER2013's.

Measured with ``bench/scenarios/crop_margin.py`` on 600 validation faces at 96, 144 and 240 pixels: median 1.036,
centres within 0.006 of a side of each other.
"""

_SHARPNESS_HALF = 0.01


def crop_box(box: Box) -> tuple[float, float, float]:
    """Return the square that is cropped for a face box: left, top and side, in pixels."""
    side = box.w * CROP_SCALE
    centre_x = box.x + box.w / 2
    centre_y = box.y + box.h / 2
    return centre_x - side / 2, centre_y - side / 2, side


def crop_face(gray: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """Crop a face and scale it to the model's size; beyond the image's edge its border is repeated.

    Args:
        gray: uint8 [height, width].
        box: The face, at least partly inside.

    Returns:
        uint8 [48, 48].
    """
    left, top, side = crop_box(box)
    x0, y0 = round(left), round(top)
    x1, y1 = round(left + side), round(top + side)
    height, width = gray.shape
    inside = gray[max(0, y0) : min(height, y1), max(0, x0) : min(width, x1)]
    padding = (max(0, -y0), max(0, y1 - height), max(0, -x0), max(0, x1 - width))
    square = cv2.copyMakeBorder(inside, *padding, cv2.BORDER_REPLICATE) if any(padding) else inside
    return resize_face(np.asarray(square, np.uint8))


def resize_face(square: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Scale a square of pixels, uint8 [n, n], to uint8 [48, 48]."""
    shrinks = square.shape[0] > FACE_SIDE
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(square, (FACE_SIDE, FACE_SIDE), interpolation=interpolation), np.uint8)


def as_model_input(square: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Scale a square of pixels, uint8 [n, n], to float32 [48, 48, 1] in [0, 1]."""
    return _scale(resize_face(square))[..., np.newaxis]


def sharpness(face: NDArray[np.uint8]) -> float:
    """Return how crisp a face, uint8 [48, 48], is: 0 without detail, towards 1 with much.

    The variance of the Laplacian (Pech-Pacheco et al., 2000) of the pixels in [0, 1], mapped to [0, 1) so that a
    typical portrait is near a half.
    """
    variance = float(cv2.Laplacian(_scale(face), cv2.CV_32F).var())
    return variance / (variance + _SHARPNESS_HALF)


def _scale(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return pixels.astype(np.float32) / np.float32(255)
