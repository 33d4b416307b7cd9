"""OpenCV's Haar cascade: the windows of an image that pass it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import cv2.data
import numpy as np
from numpy.typing import NDArray

from services.contracts.geometry import Box


class CascadeError(ValueError):
    """The cascade's file is missing or is not a cascade."""


@dataclass(frozen=True)
class Hit:
    """One window that passed every stage of a cascade, with its level weight: the last stage's sum."""

    box: Box
    weight: float


class HaarCascade:
    """One loaded cascade. Not for use by two threads at once: OpenCV keeps buffers in it."""

    def __init__(self, name: str) -> None:
        """Load a cascade.

        Args:
            name: A cascade that comes with OpenCV, or the path of an XML file.

        Raises:
            CascadeError: It can't be loaded.
        """
        path = Path(name) if name.endswith(".xml") else Path(cv2.data.haarcascades) / f"{name}.xml"
        if not path.is_file():
            raise CascadeError(f"no cascade at {path}")
        try:
            self._classifier = cv2.CascadeClassifier(str(path))
        except (cv2.error, SystemError) as error:
            raise CascadeError(f"{path} is not a cascade") from error
        if self._classifier.empty():
            raise CascadeError(f"{path} is not a cascade")

    @property
    def window_px(self) -> int:
        """The smallest face that it can see."""
        return max(self._classifier.getOriginalWindowSize())

    def hits(self, gray: NDArray[np.uint8], scale_factor: float, smallest_px: int, largest_px: int) -> list[Hit]:
        """Return the windows that pass, as they are, many for each face.

        OpenCV moves by two pixels of the window where faces are smaller than twice the window, else by one.

        Args:
            gray: uint8 [height, width].
            scale_factor: Ratio between the sizes that are tried.
            smallest_px: Smallest side of a window.
            largest_px: Largest side of a window.
        """
        boxes, _, weights = self._classifier.detectMultiScale3(
            gray,
            scaleFactor=scale_factor,
            minNeighbors=0,
            minSize=(smallest_px,) * 2,
            maxSize=(largest_px,) * 2,
            outputRejectLevels=True,
        )
        return [
            Hit(Box(*(int(value) for value in box)), float(weight))
            for box, weight in zip(boxes, np.ravel(weights), strict=True)
        ]


class FaceFinder(Protocol):
    """Tells which windows of an image look like a face; ``HaarCascade`` does."""

    @property
    def window_px(self) -> int:
        """The smallest face that it can see."""

    def hits(self, gray: NDArray[np.uint8], scale_factor: float, smallest_px: int, largest_px: int) -> Sequence[Hit]:
        """Return the windows of a uint8 [height, width] image that pass."""
