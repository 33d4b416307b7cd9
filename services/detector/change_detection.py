"""Change detection: where an image differs from an earlier one of the same camera, by the means of coarse cells."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.contracts.geometry import Box, ImageSize
from services.detector.options import MAX_REFERENCE_ROWS, REFERENCE_COLUMNS

MIN_DIFFERENCE = 6
"""Shades by which the mean of a cell differs if something has moved. A camera's noise changes it by less than one, JPEG
and the light of a lamp by two or three."""

_MARGIN_CELLS = 1
_BODY_BESIDE, _BODY_ABOVE, _BODY_BELOW = 0.65, 0.5, 1.0
"""How far head and shoulders reach beyond the face, in its sides."""

_MIN_LIT = 8
"""Shade from which a cell is used to compare the light of two images: black borders and nights have no ratio."""


@dataclass(frozen=True, eq=False)
class Changes:
    """Where an image differs from a reference frame.

    Attributes:
        regions: Boxes in the image, with a margin around what has changed.
        share: Their share of the image.
        reference: The next reference frame, for use once the regions were searched: the new image in the regions, the
            old reference elsewhere, so that slow changes are found as well.
    """

    regions: tuple[Box, ...]
    share: float
    reference: NDArray[np.uint8]


def reference_frame(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the mean of each cell of a uint8 [height, width] image, uint8 [rows, 64]."""
    height, width = gray.shape
    rows = min(max(1, round(REFERENCE_COLUMNS * height / width)), MAX_REFERENCE_ROWS)
    return np.asarray(cv2.resize(gray, (REFERENCE_COLUMNS, rows), interpolation=cv2.INTER_AREA), np.uint8)


def find_changes(gray: NDArray[np.uint8], reference: NDArray[np.uint8], tracked: Sequence[Box] = ()) -> Changes | None:
    """Return where an image differs from a reference frame; None if that is of an image of another shape.

    Args:
        gray: uint8 [height, width].
        reference: uint8 [rows, 64].
        tracked: Faces that are tracked already. Changes around them are their bodies, and don't count.
    """
    current = reference_frame(gray)
    if current.shape != reference.shape:
        return None
    reference = _match_light(reference, current)
    changed = (cv2.absdiff(current, reference) >= MIN_DIFFERENCE).astype(np.uint8)
    _clear_bodies(changed, tracked, ImageSize(gray.shape[1], gray.shape[0]))
    dilated = cv2.dilate(changed, np.ones((2 * _MARGIN_CELLS + 1,) * 2, np.uint8))
    _, _, components, _ = cv2.connectedComponentsWithStats(dilated, connectivity=8)
    rows, columns = current.shape
    cell_w, cell_h = gray.shape[1] / columns, gray.shape[0] / rows
    merged, regions, area = reference.copy(), [], 0
    for left, top, width, height, _ in components[1:].tolist():  # the first is what has not changed
        cells = np.s_[top : top + height, left : left + width]
        merged[cells] = current[cells]
        area += width * height
        x, y = int(left * cell_w), int(top * cell_h)
        regions.append(Box(x, y, int((left + width) * cell_w) - x, int((top + height) * cell_h) - y))
    return Changes(tuple(regions), area / (rows * columns), merged)


def _clear_bodies(changed: NDArray[np.uint8], tracked: Sequence[Box], size: ImageSize) -> None:
    rows, columns = changed.shape
    for box in tracked:
        left, right = box.x - _BODY_BESIDE * box.w, box.x + (1 + _BODY_BESIDE) * box.w
        top, bottom = box.y - _BODY_ABOVE * box.h, box.y + (1 + _BODY_BELOW) * box.h
        across = slice(_cell(left, columns, size.width), _cell(right, columns, size.width) + 1)
        changed[_cell(top, rows, size.height) : _cell(bottom, rows, size.height) + 1, across] = 0


def _cell(at_px: float, cells: int, pixels: int) -> int:
    return max(0, int(at_px * cells / pixels))


def _match_light(reference: NDArray[np.uint8], current: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Scale a reference frame to the light of the current image: a cloud or the camera's gain moves no cell."""
    lit = reference >= _MIN_LIT
    gain = float(np.median(current[lit] / reference[lit])) if lit.any() else 1.0
    return np.asarray(cv2.convertScaleAbs(reference, alpha=gain), np.uint8)
