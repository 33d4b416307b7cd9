"""The first, quick look at a whole image: where there may be a face."""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from services.contracts.geometry import Box
from services.detector.candidates import grouped
from services.detector.cascade import Hit
from services.detector.finder import FaceFinder
from services.detector.mirror import mirrored, mirrored_hits


def proposals(finder: FaceFinder, gray: NDArray[np.uint8], scale_factor: float, smallest_px: float) -> list[Box]:
    """Return where at least one window passes, over a pyramid whose levels each serve one octave of sizes.

    On a level faces are one to two windows large, where OpenCV moves by two pixels: a quarter of the
    work of moving by one. That misses few faces, since one hit suffices here. All but the first level,
    which takes two thirds of the time, are searched in the mirror too, with half as many sizes.

    Args:
        finder: The cascade.
        gray: uint8 [height, width].
        scale_factor: Ratio between the sizes that are tried.
        smallest_px: Smallest face, in pixels of the image.
    """
    hits: list[Hit] = []
    window = finder.window_px
    for level, scale in _pyramid(gray, smallest_px / window, window):
        last = min(level.shape) < 2 * window
        largest = max(level.shape) if last else 2 * window - 1
        found = list(finder.hits(level, scale_factor, window, largest))
        if scale > smallest_px / window:
            reflected = finder.hits(mirrored(level), scale_factor**2, window, largest)
            found += mirrored_hits(reflected, level.shape[1])
        hits.extend(Hit(_scaled(hit.box, scale), hit.weight) for hit in found)
    return [candidate.box for candidate in grouped(hits)]


def _pyramid(gray: NDArray[np.uint8], scale: float, window: int) -> Iterator[tuple[NDArray[np.uint8], float]]:
    """Yield images and how much smaller than the first they are, by halves, down to the size of a window."""
    height, width = gray.shape
    level = gray
    while min(height, width) / scale >= window:
        size = (round(width / scale), round(height / scale))
        level = np.asarray(cv2.resize(level, size, interpolation=cv2.INTER_AREA), np.uint8)
        yield level, scale
        scale *= 2


def _scaled(box: Box, scale: float) -> Box:
    return Box(round(box.x * scale), round(box.y * scale), round(box.w * scale), round(box.h * scale))
