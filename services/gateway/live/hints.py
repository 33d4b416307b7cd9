"""Where to look for the faces of the next frame."""

from collections.abc import Iterable

from services.contracts.geometry import Box
from services.gateway.tracking.motion import overlap

MOST_HINTS = 32
"""As many as the detector takes."""

SAME_FACE_OVERLAP = 0.3
"""Intersection over union from which two boxes are one face."""


SAME_PLACE_OVERLAP = 0.8
"""From which hiding what is under one of two boxes hides what is under both."""


def distinct_boxes(boxes: Iterable[Box], same: float = SAME_FACE_OVERLAP) -> tuple[Box, ...]:
    """Return the boxes without those that overlap an earlier one that much."""
    kept: list[Box] = []
    for box in boxes:
        if all(overlap(box, other) < same for other in kept):
            kept.append(box)
    return tuple(kept)
