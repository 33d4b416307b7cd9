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
class RawDetection:
    """A window that passed every stage of a cascade, with its level weight: the sum of the last stage."""

    box: Box
    weight: float


class CascadeClassifier(Protocol):
    """Returns the windows of an image that look like a face; implemented by ``HaarCascade``."""

    @property
    def window_px(self) -> int:
        """Side of the smallest face that is detected."""

    def detect_raw(
        self, gray: NDArray[np.uint8], scale_factor: float, min_px: int, max_px: int
    ) -> Sequence[RawDetection]:
        """Return the windows of a uint8 [height, width] image that pass, ungrouped, many for each face.

        Args:
            gray: The image.
            scale_factor: Ratio between the sizes that are tried.
            min_px: Smallest side of a window.
            max_px: Largest side of a window.
        """


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
        """Side of the smallest face that is detected."""
        return max(self._classifier.getOriginalWindowSize())

    def detect_raw(self, gray: NDArray[np.uint8], scale_factor: float, min_px: int, max_px: int) -> list[RawDetection]:
        """Return the windows that pass.

        OpenCV moves by two pixels of the window if faces are smaller than twice the window, else by one.
        """
        boxes, _, weights = self._classifier.detectMultiScale3(
            gray,
            scaleFactor=scale_factor,
            minNeighbors=0,
            minSize=(min_px,) * 2,
            maxSize=(max_px,) * 2,
            outputRejectLevels=True,
        )
        return [
            RawDetection(Box(*(int(value) for value in box)), float(weight))
            for box, weight in zip(boxes, np.ravel(weights), strict=True)
        ]
