"""An image and its hits in the mirror: left is right."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from services.contracts.geometry import Box
from services.detector.cascade import Hit


def mirrored(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a uint8 [height, width] image's mirror image."""
    return np.ascontiguousarray(gray[:, ::-1])


def mirrored_hits(hits: Iterable[Hit], width: int) -> list[Hit]:
    """Return where hits lie in the mirror image of an image so many pixels wide."""
    return [Hit(Box(width - hit.box.x - hit.box.w, hit.box.y, hit.box.w, hit.box.h), hit.weight) for hit in hits]
