"""Robustness: accuracy with image corruptions as cameras and bad light cause them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from services.contracts.model import FACE_SIDE
from training.data.fer2013 import Split
from training.data.splits import to_model_input
from training.evaluation.schema import RobustnessResult
from training.io import progress
from training.metrics import Labels, accuracy

Image = NDArray[np.uint8]
"""uint8 [48, 48]."""


@dataclass(frozen=True)
class Corruption:
    """A corruption of a face.

    Attributes:
        name: Its kind.
        level: Its strength.
        apply: Corrupts one face; random values come from the generator.
    """

    name: str
    level: str
    apply: Callable[[Image, np.random.Generator], Image]


def corruptions() -> list[Corruption]:
    """Return all corruptions, each kind from weak to strong."""
    return [
        *(Corruption("defocus blur", f"σ {sigma} px", partial(blur, sigma=sigma)) for sigma in (0.5, 1.0, 2.0)),
        *(Corruption("noise", f"σ {steps} of 255", partial(add_noise, deviation=steps)) for steps in (5, 10, 20)),
        *(Corruption("low light", f"1/{divisor}", partial(darken, divisor=divisor)) for divisor in (2, 4, 8)),
        *(Corruption("low resolution", f"{side} px", partial(downscale, side=side)) for side in (32, 24, 16)),
        *(Corruption("JPEG", f"quality {quality}", partial(jpeg, quality=quality)) for quality in (50, 20, 10)),
    ]


def evaluate_robustness(
    split: Split, predict: Callable[[NDArray[np.float32]], Labels], kinds: Sequence[Corruption]
) -> Iterator[RobustnessResult]:
    """Yield the accuracy under each corruption.

    Args:
        split: The faces.
        predict: Faces float32 [n, 48, 48, 1] → class indices [n].
        kinds: The corruptions.
    """
    for corruption in progress(kinds, "robustness"):
        rng = np.random.default_rng(1)
        corrupted = np.stack([corruption.apply(image, rng) for image in split.images])
        correct = accuracy(split.labels, predict(to_model_input(corrupted)))
        yield RobustnessResult(corruption=corruption.name, level=corruption.level, accuracy=correct)


def blur(face: Image, _: np.random.Generator, sigma: float) -> Image:
    """Apply a Gaussian blur; ``sigma`` is in pixels of the 48×48 face."""
    return np.asarray(cv2.GaussianBlur(face, (0, 0), sigma), np.uint8)


def add_noise(face: Image, rng: np.random.Generator, deviation: float) -> Image:
    """Add Gaussian noise with this standard deviation."""
    return _to_uint8(face + rng.normal(0, deviation, face.shape))


def darken(face: Image, _: np.random.Generator, divisor: int) -> Image:
    """Divide the brightness, rounded to whole steps as in a camera."""
    return _to_uint8(face / divisor)


def downscale(face: Image, _: np.random.Generator, side: int) -> Image:
    """Scale the face down to this many pixels per side, and back to 48."""
    small = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (FACE_SIDE, FACE_SIDE), interpolation=cv2.INTER_LINEAR), np.uint8)


def jpeg(face: Image, _: np.random.Generator, quality: int) -> Image:
    """Compress the face as JPEG."""
    encoded = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), np.uint8)


def _to_uint8(values: NDArray[np.float64]) -> Image:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
