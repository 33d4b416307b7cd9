"""Where to look for the faces of the next frame."""

from collections.abc import Iterable

from services.contracts.geometry import NMS_IOU, Box, overlaps_any

MOST_HINTS = 32
"""As many as the detector takes."""

SAME_PLACE_OVERLAP = 0.8
"""From which hiding what is under one of two boxes hides what is under both."""


def distinct_boxes(boxes: Iterable[Box], same: float = NMS_IOU) -> tuple[Box, ...]:
    """Return the boxes without those that overlap an earlier one that much."""
    kept: list[Box] = []
    for box in boxes:
        if not overlaps_any(box, kept, same):
            kept.append(box)
    return tuple(kept)
