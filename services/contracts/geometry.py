"""Boxes in pictures."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.contracts.messages import MAX_INT32, MalformedMessageError, whole

NMS_IOU = 0.3
"""Intersection over union from which two boxes are one face."""

MAX_FACES = 1000
"""Most faces in an answer about one picture."""

_HINT = re.compile(r"(-?[0-9]{1,6}),(-?[0-9]{1,6}),([0-9]{1,6}),([0-9]{1,6})")


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of the upright image; x and y are its top left corner."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True)
class ImageSize:
    """Pixels of the upright image."""

    width: int
    height: int


def decode_size(size: Mapping[str, Any]) -> ImageSize:
    """Read an image's size.

    Raises:
        MalformedMessageError: A side is no whole number of 31 bits.
        KeyError: A side is missing.
    """
    return ImageSize(whole(size["width"], 0, MAX_INT32), whole(size["height"], 0, MAX_INT32))


def decode_box(box: Mapping[str, Any]) -> Box:
    """Read a box.

    Raises:
        MalformedMessageError: A number is no whole one of 31 bits, or a side is negative.
        KeyError: A number is missing.
    """
    return Box(
        whole(box["x"], -MAX_INT32, MAX_INT32),
        whole(box["y"], -MAX_INT32, MAX_INT32),
        whole(box["w"], 0, MAX_INT32),
        whole(box["h"], 0, MAX_INT32),
    )


def overlap(a: Box, b: Box) -> float:
    """Return the intersection over union of two boxes."""
    width = min(a.x + a.w, b.x + b.w) - max(a.x, b.x)
    height = min(a.y + a.h, b.y + b.h) - max(a.y, b.y)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (a.w * a.h + b.w * b.h - shared)


def overlaps_any(box: Box, others: Iterable[Box], same: float = NMS_IOU) -> bool:
    """Tell whether one of the others overlaps a box that much."""
    return any(overlap(box, other) >= same for other in others)


def format_roi(box: Box) -> str:
    """Return a box as the value of the detector's query parameter ``near``."""
    return f"{box.x},{box.y},{box.w},{box.h}"


def parse_roi(text: str) -> Box:
    """Read the value of the detector's query parameter ``near``.

    Raises:
        MalformedMessageError: Not four integers of at most six digits, or without an area.
    """
    numbers = _HINT.fullmatch(text)
    if numbers is None:
        raise MalformedMessageError(f"near must be x,y,w,h in whole pixels, got {text[:40]!r}")
    x, y, w, h = (int(number) for number in numbers.groups())
    if w <= 0 or h <= 0:
        raise MalformedMessageError(f"near must have a positive width and height, got {text[:40]!r}")
    return Box(x, y, w, h)
