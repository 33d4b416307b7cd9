"""Boxes in images: intersection over union, non-maximum suppression, and regions of interest as query parameters."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from msgspec import Meta

from services.contracts.messages import MAX_INT32, MalformedMessageError

T = TypeVar("T")

NMS_IOU = 0.3
"""Intersection over union from which two boxes are the same face."""

MAX_FACES = 1000
"""Most faces in an answer about one image."""

_ROI = re.compile(r"(-?[0-9]{1,6}),(-?[0-9]{1,6}),([0-9]{1,6}),([0-9]{1,6})")

Coordinate = Annotated[int, Meta(ge=-MAX_INT32, le=MAX_INT32)]
Length = Annotated[int, Meta(ge=0, le=MAX_INT32)]


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of the upright image; x and y are its top left corner."""

    x: Coordinate
    y: Coordinate
    w: Length
    h: Length


@dataclass(frozen=True)
class ImageSize:
    """Pixels of the upright image."""

    width: Length
    height: Length


def iou(a: Box, b: Box) -> float:
    """Return the intersection over union of two boxes."""
    width = min(a.x + a.w, b.x + b.w) - max(a.x, b.x)
    height = min(a.y + a.h, b.y + b.h) - max(a.y, b.y)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (a.w * a.h + b.w * b.h - shared)


def overlaps_any(box: Box, others: Iterable[Box], threshold: float = NMS_IOU) -> bool:
    """Return whether the IoU of a box with one of the others is at least the threshold."""
    return any(iou(box, other) >= threshold for other in others)


def non_max_suppression(items: Iterable[T], box_of: Callable[[T], Box], threshold: float = NMS_IOU) -> list[T]:
    """Return the items without those whose box overlaps the box of an earlier one that was kept.

    Args:
        items: In order of preference, the best first.
        box_of: Returns an item's box.
        threshold: IoU from which two boxes overlap.
    """
    kept: list[T] = []
    boxes: list[Box] = []
    for item in items:
        box = box_of(item)
        if not overlaps_any(box, boxes, threshold):
            kept.append(item)
            boxes.append(box)
    return kept


def format_roi(box: Box) -> str:
    """Return a box as the value of the detector's query parameter ``roi``."""
    return f"{box.x},{box.y},{box.w},{box.h}"


def parse_roi(text: str) -> Box:
    """Read the value of the detector's query parameter ``roi``.

    Raises:
        MalformedMessageError: Not four integers of at most six digits, or without an area.
    """
    numbers = _ROI.fullmatch(text)
    if numbers is None:
        raise MalformedMessageError(f"roi must be x,y,w,h in whole pixels, got {text[:40]!r}")
    x, y, w, h = (int(number) for number in numbers.groups())
    if w <= 0 or h <= 0:
        raise MalformedMessageError(f"roi must have a positive width and height, got {text[:40]!r}")
    return Box(x, y, w, h)
