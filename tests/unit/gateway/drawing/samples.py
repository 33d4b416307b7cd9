"""Pictures and faces to draw."""

import cv2
import numpy as np
from numpy.typing import NDArray

from services.contracts.emotions import EMOTIONS, Emotion
from services.contracts.geometry import Box
from services.contracts.prediction import FaceEmotion
from tests.support.images import Pixels, encode


def face(box: Box, emotion: Emotion = Emotion.HAPPY, reliable: bool = True) -> FaceEmotion:
    return FaceEmotion(box, emotion, 0.83, reliable, dict.fromkeys(EMOTIONS, 1 / 7), 0.5)


def noise(width: int, height: int, seed: int = 1) -> Pixels:
    """Return a gray picture that has detail everywhere, coarse enough for JPEG to keep it."""
    small = np.random.default_rng(seed).integers(0, 256, (height // 8 + 1, width // 8 + 1), np.uint8)
    return np.repeat(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)[..., np.newaxis], 3, axis=2)


def flat(width: int, height: int, gray: int) -> Pixels:
    return np.full((height, width, 3), gray, np.uint8)


def jpeg(image: Pixels) -> bytes:
    return encode(image)


def difference(one: Pixels, other: Pixels) -> NDArray[np.float64]:
    """Return how far apart two pictures' pixels are: the mean over the colours."""
    return np.asarray(np.abs(one.astype(np.float64) - other).mean(axis=2))


def outside(image: Pixels, box: Box, margin: float) -> NDArray[np.bool_]:
    """Return which pixels are farther from a box than a margin, in its sides, and a JPEG block."""
    reach = round(margin * box.w) + 16
    kept = np.ones(image.shape[:2], np.bool_)
    kept[
        max(0, box.y - reach) : max(0, box.y + box.h + reach), max(0, box.x - reach) : max(0, box.x + box.w + reach)
    ] = False
    return kept
