"""The two-stage Haar search: a quick search proposes regions, and a close search around each region verifies them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.contracts.geometry import NMS_IOU, Box, iou
from services.detector.cascade import CascadeClassifier, RawDetection

_GROUP_EPS = 0.2
"""How far the sides of boxes in a group differ, in sides; OpenCV's own default."""


@dataclass(frozen=True)
class Candidate:
    """A group of raw detections that overlap.

    Attributes:
        box: Their mean.
        weight: The highest level weight among them.
        neighbors: How many they are.
    """

    box: Box
    weight: float
    neighbors: int


@dataclass(frozen=True)
class SearchWindow:
    """How far around a box is searched, in sides of the box.

    Attributes:
        margin: Beyond the box on each side.
        min_face: Side of the smallest face.
        max_face: Side of the largest face.
    """

    margin: float
    min_face: float
    max_face: float


@dataclass(frozen=True)
class SearchParameters:
    """How faces are searched.

    Attributes:
        scale_factor: Ratio between the face sizes that are tried.
        min_neighbors: Overlapping detections that make a face, as the mean of a region and its mirror image.
        min_face_px: Smallest side of a face.
    """

    scale_factor: float
    min_neighbors: int
    min_face_px: int


def propose_regions(
    cascade: CascadeClassifier, gray: NDArray[np.uint8], scale_factor: float, min_face_px: float
) -> list[Box]:
    """Return the boxes in which at least one window passes the cascade.

    The image is searched in a pyramid whose levels each serve one octave of face sizes. On a level, faces are one to
    two windows large, where OpenCV moves by two pixels: a quarter of the work of moving by one. That misses few faces,
    since one raw detection suffices here. All levels but the first, which takes two thirds of the time, are also
    searched in their mirror image, with half as many sizes.

    Args:
        cascade: The classifier.
        gray: uint8 [height, width].
        scale_factor: Ratio between the face sizes that are tried.
        min_face_px: Smallest face, in pixels of the image.
    """
    detections: list[RawDetection] = []
    window = cascade.window_px
    for level, scale in _pyramid(gray, min_face_px / window, window):
        is_last = min(level.shape) < 2 * window
        max_px = max(level.shape) if is_last else 2 * window - 1
        found = list(cascade.detect_raw(level, scale_factor, window, max_px))
        if scale > min_face_px / window:
            reflected = cascade.detect_raw(flip_horizontal(level), scale_factor**2, window, max_px)
            found += flip_detections(reflected, level.shape[1])
        detections.extend(RawDetection(_scaled(one.box, scale), one.weight) for one in found)
    return [candidate.box for candidate in group_detections(detections)]


def verify_region(
    cascade: CascadeClassifier, gray: NDArray[np.uint8], box: Box, window: SearchWindow, parameters: SearchParameters
) -> list[Candidate]:
    """Return the faces around a box that have enough neighbors.

    The region is scaled so that OpenCV moves by one pixel of the window, and so that large faces take no longer than
    small ones. Its mirror image is searched too: cascades aren't symmetric but faces nearly are, so a face is detected
    in both, while a false detection usually is in one. The mirror image is skipped if the region alone has no
    detection, or enough of them.

    Args:
        cascade: The classifier.
        gray: uint8 [height, width].
        box: The box.
        window: How far around it to search.
        parameters: How to search.
    """
    height, width = gray.shape
    side = max(box.w, box.h)
    margin = round(side * window.margin)
    left, top = max(0, box.x - margin), max(0, box.y - margin)
    right, bottom = min(width, box.x + box.w + margin), min(height, box.y + box.h + margin)
    min_px, max_px = side * window.min_face, side * window.max_face
    if min(right - left, bottom - top, max_px) < max(parameters.min_face_px, min_px):
        return []
    scale = side * window.min_face / (2 * cascade.window_px)
    size = (max(1, round((right - left) / scale)), max(1, round((bottom - top) / scale)))
    interpolation = cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR
    region = np.asarray(cv2.resize(gray[top:bottom, left:right], size, interpolation=interpolation), np.uint8)
    sizes = (parameters.scale_factor, round(min_px / scale), round(max_px / scale))
    min_neighbors = 2 * parameters.min_neighbors
    detections = cascade.detect_raw(region, *sizes)
    groups = group_detections(detections)
    if any(face.neighbors < min_neighbors for face in groups):
        reflected = cascade.detect_raw(flip_horizontal(region), *sizes)
        groups = group_detections([*detections, *flip_detections(reflected, size[0])])
    faces = [Candidate(_placed(face.box, scale, left, top), face.weight, face.neighbors) for face in groups]
    # Smaller detections count as neighbors: otherwise a face at the limit would have half as many as any other.
    # A box is accurate to one step of sizes.
    min_box_px = parameters.min_face_px / parameters.scale_factor
    return [face for face in faces if face.neighbors >= min_neighbors and face.box.w >= min_box_px]


def group_detections(detections: Sequence[RawDetection]) -> list[Candidate]:
    """Return the groups of raw detections that overlap, including groups of one."""
    # groupRectangles drops groups of one, so each detection is passed twice.
    corners = [(one.box.x, one.box.y, one.box.w, one.box.h) for one in detections]
    boxes, counts = cv2.groupRectangles(corners * 2, 1, _GROUP_EPS)
    return [
        _candidate(Box(*(int(value) for value in box)), int(count) // 2, detections)
        for box, count in zip(boxes, counts, strict=True)
    ]


def flip_horizontal(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the mirror image of a uint8 [height, width] image."""
    return np.ascontiguousarray(gray[:, ::-1])


def flip_detections(detections: Iterable[RawDetection], width: int) -> list[RawDetection]:
    """Return where detections are in the mirror image of an image ``width`` pixels wide."""
    return [
        RawDetection(Box(width - one.box.x - one.box.w, one.box.y, one.box.w, one.box.h), one.weight)
        for one in detections
    ]


def _candidate(box: Box, neighbors: int, detections: Sequence[RawDetection]) -> Candidate:
    weights = [one.weight for one in detections if iou(one.box, box) >= NMS_IOU]
    return Candidate(box, max(weights, default=0.0), neighbors)


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


def _placed(box: Box, scale: float, left: int, top: int) -> Box:
    return Box(left + round(box.x * scale), top + round(box.y * scale), round(box.w * scale), round(box.h * scale))
