"""From a cascade's hits to candidates: what lies together is one face."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2

from services.contracts.geometry import SAME_FACE_OVERLAP, Box, is_among, overlap
from services.detector.cascade import Hit

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
        if not is_among(candidate.box, (other.box for other in kept)):
            kept.append(candidate)
    return kept


def _candidate(box: Box, neighbors: int, hits: Sequence[Hit]) -> Candidate:
    near = [hit.weight for hit in hits if overlap(hit.box, box) >= SAME_FACE_OVERLAP]
    return Candidate(box, max(near, default=0.0), neighbors)
