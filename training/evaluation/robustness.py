"""Changes faces as bad cameras and bad light do, and measures what that costs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from services.contracts.model import FACE_SIDE
from training.data.fer2013 import Split
from training.data.splits import as_faces
from training.evaluation.schema import RobustnessFigures
from training.io import progress
from training.metrics import Labels, accuracy

Image = NDArray[np.uint8]
"""uint8 [48, 48]."""


@dataclass(frozen=True)
class Change:
    """What is done to each face.

    Attributes:
        name: What it imitates.
        level: How strong it is.
        apply: Changes one face; what is random comes from the generator.
    """

    name: str
    level: str
    apply: Callable[[Image, np.random.Generator], Image]


def changes() -> list[Change]:
    """Return every change that is measured, each kind from weak to strong."""
    return [
        *(Change("out of focus", f"by {sigma} px", partial(blurred, sigma=sigma)) for sigma in (0.5, 1.0, 2.0)),
        *(Change("noise", f"± {steps} of 255", partial(noisy, deviation=steps)) for steps in (5, 10, 20)),
        *(Change("darkness", f"1/{part} of the light", partial(darkened, part=part)) for part in (2, 4, 8)),
        *(Change("small face", f"{side} px", partial(shrunk, side=side)) for side in (32, 24, 16)),
        *(Change("JPEG", f"quality {quality}", partial(compressed, quality=quality)) for quality in (50, 20, 10)),
    ]


def robustness(
    split: Split, predict: Callable[[NDArray[np.float32]], Labels], what: Sequence[Change]
) -> Iterator[RobustnessFigures]:
    """Yield the accuracy under each change.

    Args:
        split: The faces.
        predict: Faces float32 [n, 48, 48, 1] → the answers, class indices [n].
        what: The changes.
    """
    for change in progress(what, "robustness"):
        rng = np.random.default_rng(1)
        changed = np.stack([change.apply(image, rng) for image in split.images])
        right = accuracy(split.labels, predict(as_faces(changed)))
        yield RobustnessFigures(change=change.name, level=change.level, accuracy=right)


def blurred(face: Image, _: np.random.Generator, sigma: float) -> Image:
    """Put the face out of focus, by a Gaussian of this many of its 48 pixels."""
    return np.asarray(cv2.GaussianBlur(face, (0, 0), sigma), np.uint8)


def noisy(face: Image, rng: np.random.Generator, deviation: float) -> Image:
    """Add Gaussian noise of this standard deviation to each pixel."""
    return _pixels(face + rng.normal(0, deviation, face.shape))


def darkened(face: Image, _: np.random.Generator, part: int) -> Image:
    """Let through one part of the light, rounded to whole steps of brightness as a camera does."""
    return _pixels(face / part)


def shrunk(face: Image, _: np.random.Generator, side: int) -> Image:
    """Let the face be this many pixels wide in the picture, and bring it back to 48."""
    small = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (FACE_SIDE, FACE_SIDE), interpolation=cv2.INTER_LINEAR), np.uint8)


def compressed(face: Image, _: np.random.Generator, quality: int) -> Image:
    """Send the face alone through JPEG."""
    encoded = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), np.uint8)


def _pixels(values: NDArray[np.float64]) -> Image:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
