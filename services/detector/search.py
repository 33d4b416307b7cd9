"""Where to look: the whole image, or the surroundings of where faces were before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from services.contracts.detection import Searched
from services.contracts.geometry import Box
from services.detector.cascade import Candidate, SearchParameters

HINT_REACH = 0.5
"""How far around a hint is searched, in its sides: at 30 frames a second few faces move as far."""

HINT_SIZES = (0.7, 1.4)
"""Face sizes tried around a hint, in its sides."""

SAME_FACE_OVERLAP = 0.3
"""Intersection over union from which two boxes are one face."""


class FaceFinder(Protocol):
    """Finds faces in an image, the surest first."""

    def find(self, gray: NDArray[np.uint8], parameters: SearchParameters) -> list[Candidate]:
        """Return the faces of a uint8 [height, width] image."""


@dataclass(frozen=True)
class FaceSearch:
    """A finder and how it searches.

    Attributes:
        finder: The cascade.
        parameters: For the image as it is searched.
        side_px: Images with a longer side are scaled down to it for a full search.
    """

    finder: FaceFinder
    parameters: SearchParameters
    side_px: int

    def run(
        self, gray: NDArray[np.uint8], hints: Sequence[Box], elsewhere: bool = True
    ) -> tuple[Searched, list[Candidate]]:
        """Search around the hints; everywhere if there are none, or if one yields nothing and ``elsewhere`` says so."""
        if hints:
            found = [self._around(gray, hint) for hint in hints]
            if all(found) or not elsewhere:
                return Searched.HINTS, distinct([candidate for faces in found for candidate in faces])
        return Searched.FULL, self._everywhere(gray)

    def _everywhere(self, gray: NDArray[np.uint8]) -> list[Candidate]:
        height, width = gray.shape
        scale = max(height, width) / self.side_px
        if scale <= 1:
            return self.finder.find(gray, self.parameters)
        size = (max(1, round(width / scale)), max(1, round(height / scale)))
        small = np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)
        return [replace(face, box=_scaled(face.box, scale)) for face in self.finder.find(small, self.parameters)]

    def _around(self, gray: NDArray[np.uint8], hint: Box) -> list[Candidate]:
        height, width = gray.shape
        side = max(hint.w, hint.h)
        reach = round(side * HINT_REACH)
        left, top = max(0, hint.x - reach), max(0, hint.y - reach)
        right, bottom = min(width, hint.x + hint.w + reach), min(height, hint.y + hint.h + reach)
        if left >= right or top >= bottom:
            return []
        smallest, largest = (round(side * factor) for factor in HINT_SIZES)
        parameters = replace(
            self.parameters, min_face_px=max(self.parameters.min_face_px, smallest), max_face_px=largest
        )
        region = np.ascontiguousarray(gray[top:bottom, left:right])
        return [
            replace(face, box=replace(face.box, x=face.box.x + left, y=face.box.y + top))
            for face in self.finder.find(region, parameters)
        ]


def distinct(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates, the surest first, without those that overlap a surer one."""
    kept: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda face: face.weight, reverse=True):
        if all(overlap(candidate.box, other.box) < SAME_FACE_OVERLAP for other in kept):
            kept.append(candidate)
    return kept


def overlap(a: Box, b: Box) -> float:
    """Return the intersection over union of two boxes."""
    width = min(a.x + a.w, b.x + b.w) - max(a.x, b.x)
    height = min(a.y + a.h, b.y + b.h) - max(a.y, b.y)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (a.w * a.h + b.w * b.h - shared)


def _scaled(box: Box, scale: float) -> Box:
    return Box(round(box.x * scale), round(box.y * scale), round(box.w * scale), round(box.h * scale))
