"""OpenCV's Haar cascade: where faces are, and how sure it is."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import cv2.data
import numpy as np
from numpy.typing import NDArray

from services.contracts.geometry import Box


class CascadeError(ValueError):
    """The cascade's file is missing or is not a cascade."""


@dataclass(frozen=True)
class SearchParameters:
    """How a cascade searches.

    Attributes:
        scale_factor: Ratio between the face sizes that are tried.
        min_neighbors: How many overlapping hits make a face.
        min_face_px: Smallest side of a face.
        max_face_px: Largest side of a face, or None for any.
    """

    scale_factor: float
    min_neighbors: int
    min_face_px: int
    max_face_px: int | None = None


@dataclass(frozen=True)
class Candidate:
    """A face found, with the cascade's level weight."""

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

    def find(self, gray: NDArray[np.uint8], parameters: SearchParameters) -> list[Candidate]:
        """Return the faces of a uint8 [height, width] image, the surest first."""
        boxes = self._classifier.detectMultiScale(
            gray,
            scaleFactor=parameters.scale_factor,
            minNeighbors=parameters.min_neighbors,
            minSize=(parameters.min_face_px,) * 2,
            maxSize=(parameters.max_face_px or 0,) * 2,
        )
        found = [Box(*(int(value) for value in box)) for box in boxes]
        candidates = [Candidate(box, self._weigh(gray, box, parameters.scale_factor)) for box in found]
        return sorted(candidates, key=lambda candidate: candidate.weight, reverse=True)

    def _weigh(self, gray: NDArray[np.uint8], box: Box, scale_factor: float) -> float:
        """Return the highest level weight of the hits behind a box.

        Asking for weights makes OpenCV accept hits that fail one of the last stages, so the search
        itself does without and only the boxes it found are weighed, each in a small region.
        """
        reach = box.w // 4
        top, left = max(0, box.y - reach), max(0, box.x - reach)
        region = np.ascontiguousarray(gray[top : box.y + box.h + reach, left : box.x + box.w + reach])
        _, levels, weights = self._classifier.detectMultiScale3(
            region,
            scaleFactor=scale_factor,
            minNeighbors=0,
            minSize=(int(box.w * 0.8),) * 2,
            maxSize=(int(box.w * 1.25),) * 2,
            outputRejectLevels=True,
        )
        hits = zip(np.ravel(levels).tolist(), np.ravel(weights).tolist(), strict=True)
        _, weight = max(hits, default=(0, 0.0))
        return float(weight)
