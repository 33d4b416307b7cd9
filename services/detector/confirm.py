"""The second, close look at one place: which faces are there."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.contracts.geometry import Box
from services.detector.candidates import Candidate, grouped
from services.detector.finder import FaceFinder
from services.detector.mirror import mirrored, mirrored_hits


@dataclass(frozen=True)
class Surroundings:
    """How far around a place is searched.

    Attributes:
        reach: Beyond the box on each side, in its sides.
        smallest: Smallest face, in its sides.
        largest: Largest face, in its sides.
    """

    reach: float
    smallest: float
    largest: float


@dataclass(frozen=True)
class SearchParameters:
    """How faces are searched.

    Attributes:
        scale_factor: Ratio between the face sizes that are tried.
        min_neighbors: How many overlapping hits make a face, in the mean of a place and its mirror image.
        min_face_px: Smallest side of a face.
    """

    scale_factor: float
    min_neighbors: int
    min_face_px: int


def faces_near(
    finder: FaceFinder, gray: NDArray[np.uint8], box: Box, around: Surroundings, parameters: SearchParameters
) -> list[Candidate]:
    """Return the faces around a box that have enough neighbours.

    The place is scaled so that OpenCV moves by one pixel of the window, and so that large faces cost no
    more than small ones. It is searched in the mirror too: cascades aren't symmetric but faces nearly are,
    so a face has hits in both where a wall's chance resemblance has them in one. What has no hit or enough
    of them without the mirror isn't searched again.

    Args:
        finder: The cascade.
        gray: uint8 [height, width].
        box: Where to look.
        around: How far.
        parameters: How to search.
    """
    height, width = gray.shape
    side = max(box.w, box.h)
    reach = round(side * around.reach)
    left, top = max(0, box.x - reach), max(0, box.y - reach)
    right, bottom = min(width, box.x + box.w + reach), min(height, box.y + box.h + reach)
    smallest, largest = side * around.smallest, side * around.largest
    if min(right - left, bottom - top, largest) < max(parameters.min_face_px, smallest):
        return []
    scale = side * around.smallest / (2 * finder.window_px)
    size = (max(1, round((right - left) / scale)), max(1, round((bottom - top) / scale)))
    interpolation = cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR
    region = np.asarray(cv2.resize(gray[top:bottom, left:right], size, interpolation=interpolation), np.uint8)
    sizes = (parameters.scale_factor, round(smallest / scale), round(largest / scale))
    enough = 2 * parameters.min_neighbors
    hits = finder.hits(region, *sizes)
    found = grouped(hits)
    if any(face.neighbors < enough for face in found):
        found = grouped([*hits, *mirrored_hits(finder.hits(mirrored(region), *sizes), size[0])])
    faces = [Candidate(_placed(face.box, scale, left, top), face.weight, face.neighbors) for face in found]
    # Smaller hits count as neighbours, or a face at the limit would have half as many as any other.
    # A box is right to a step of sizes.
    smallest_box = parameters.min_face_px / parameters.scale_factor
    return [face for face in faces if face.neighbors >= enough and face.box.w >= smallest_box]


def _placed(box: Box, scale: float, left: int, top: int) -> Box:
    return Box(left + round(box.x * scale), top + round(box.y * scale), round(box.w * scale), round(box.h * scale))
