"""The two-stage Haar search: a quick search proposes boxes, and a close search around each box verifies them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.contracts.geometry import NMS_IOU, Box, overlap, overlaps_any
from services.detector.cascade import FaceFinder, Hit

_GROUPED_WITHIN = 0.2
"""How far the sides of boxes in a group differ, in sides; OpenCV's own value."""


@dataclass(frozen=True)
class Candidate:
    """Hits that lie together.

    Attributes:
        box: Their mean.
        weight: The highest level weight among them.
        neighbors: How many they are.
    """

    box: Box
    weight: float
    neighbors: int


def grouped(hits: Sequence[Hit]) -> list[Candidate]:
    """Return the groups that hits form, with those of a single hit."""
    # groupRectangles drops groups of one, so each hit comes twice.
    corners = [(hit.box.x, hit.box.y, hit.box.w, hit.box.h) for hit in hits]
    boxes, doubled = cv2.groupRectangles(corners * 2, 1, _GROUPED_WITHIN)
    return [
        _candidate(Box(*(int(value) for value in box)), int(count) // 2, hits)
        for box, count in zip(boxes, doubled, strict=True)
    ]


def distinct(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates, the surest first, without those that overlap a surer one."""
    kept: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda face: face.weight, reverse=True):
        if not overlaps_any(candidate.box, (other.box for other in kept)):
            kept.append(candidate)
    return kept


def _candidate(box: Box, neighbors: int, hits: Sequence[Hit]) -> Candidate:
    near = [hit.weight for hit in hits if overlap(hit.box, box) >= NMS_IOU]
    return Candidate(box, max(near, default=0.0), neighbors)


def mirrored(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a uint8 [height, width] image's mirror image."""
    return np.ascontiguousarray(gray[:, ::-1])


def mirrored_hits(hits: Iterable[Hit], width: int) -> list[Hit]:
    """Return where hits lie in the mirror image of an image so many pixels wide."""
    return [Hit(Box(width - hit.box.x - hit.box.w, hit.box.y, hit.box.w, hit.box.h), hit.weight) for hit in hits]


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
