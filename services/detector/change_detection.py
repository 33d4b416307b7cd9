"""What a picture looks like from afar: enough to tell later where another one of the same camera differs."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.contracts.geometry import Box, ImageSize
from services.detector.options import MAX_OVERVIEW_ROWS, OVERVIEW_COLUMNS

DIFFERS_BY = 6
"""Shades by which the mean of a cell differs where something moved. A camera's noise changes it by less than one,
JPEG and the light of a lamp by two or three."""

_AROUND_CELLS = 1
_BODY_BESIDE, _BODY_ABOVE, _BODY_BELOW = 0.65, 0.5, 1.0
"""How far head and shoulders reach beyond the face, in its sides."""

_LIT = 8
"""Shades from which a cell says something about the light: black borders and nights have no ratio."""


@dataclass(frozen=True, eq=False)
class Changes:
    """Where a picture differs from an earlier one.

    Attributes:
        places: Boxes in the picture, with room around what changed.
        share: How much of the picture they are together.
        overview: What to compare the next picture with, once the places were searched: the new picture there, the
            earlier one elsewhere, so that what changes little by little shows in the end too.
    """

    places: tuple[Box, ...]
    share: float
    overview: NDArray[np.uint8]


def overview(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the mean of each cell of a uint8 [height, width] picture, uint8 [rows, 64]."""
    height, width = gray.shape
    rows = min(max(1, round(OVERVIEW_COLUMNS * height / width)), MAX_OVERVIEW_ROWS)
    return np.asarray(cv2.resize(gray, (OVERVIEW_COLUMNS, rows), interpolation=cv2.INTER_AREA), np.uint8)


def changes(gray: NDArray[np.uint8], before: NDArray[np.uint8], known: Sequence[Box] = ()) -> Changes | None:
    """Return where a picture differs from an earlier one; None if that was of another shape.

    Args:
        gray: uint8 [height, width].
        before: The earlier one's overview.
        known: Faces that are followed. What differs around them is their bodies, and doesn't count.
    """
    now = overview(gray)
    if now.shape != before.shape:
        return None
    before = _in_the_light_of(now, before)
    differs = (cv2.absdiff(now, before) >= DIFFERS_BY).astype(np.uint8)
    _leave_out(differs, known, ImageSize(gray.shape[1], gray.shape[0]))
    near = cv2.dilate(differs, np.ones((2 * _AROUND_CELLS + 1,) * 2, np.uint8))
    _, _, parts, _ = cv2.connectedComponentsWithStats(near, connectivity=8)
    rows, columns = now.shape
    cell_w, cell_h = gray.shape[1] / columns, gray.shape[0] / rows
    merged, places, area = before.copy(), [], 0
    for left, top, width, height, _ in parts[1:].tolist():  # the first is what stayed as it was
        cells = np.s_[top : top + height, left : left + width]
        merged[cells] = now[cells]
        area += width * height
        x, y = int(left * cell_w), int(top * cell_h)
        places.append(Box(x, y, int((left + width) * cell_w) - x, int((top + height) * cell_h) - y))
    return Changes(tuple(places), area / (rows * columns), merged)


def _leave_out(differs: NDArray[np.uint8], known: Sequence[Box], size: ImageSize) -> None:
    rows, columns = differs.shape
    for box in known:
        left, right = box.x - _BODY_BESIDE * box.w, box.x + (1 + _BODY_BESIDE) * box.w
        top, bottom = box.y - _BODY_ABOVE * box.h, box.y + (1 + _BODY_BELOW) * box.h
        across = slice(_cell(left, columns, size.width), _cell(right, columns, size.width) + 1)
        differs[_cell(top, rows, size.height) : _cell(bottom, rows, size.height) + 1, across] = 0


def _cell(at_px: float, cells: int, pixels: int) -> int:
    return max(0, int(at_px * cells / pixels))


def _in_the_light_of(now: NDArray[np.uint8], before: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return what the earlier picture would be in the new one's light: a cloud or the camera's gain moves no cell."""
    lit = before >= _LIT
    lighter = float(np.median(now[lit] / before[lit])) if lit.any() else 1.0
    return np.asarray(cv2.convertScaleAbs(before, alpha=lighter), np.uint8)
