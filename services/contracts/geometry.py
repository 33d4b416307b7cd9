"""Boxes in pictures."""

import re
from dataclasses import dataclass

from services.contracts.messages import MalformedMessage

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


def format_hint(box: Box) -> str:
    """Return a box as the value of the detector's query parameter ``near``."""
    return f"{box.x},{box.y},{box.w},{box.h}"


def parse_hint(text: str) -> Box:
    """Read the value of the detector's query parameter ``near``.

    Raises:
        MalformedMessage: Not four integers of at most six digits, or without an area.
    """
    numbers = _HINT.fullmatch(text)
    if numbers is None:
        raise MalformedMessage(f"near must be x,y,w,h in whole pixels, got {text[:40]!r}")
    x, y, w, h = (int(number) for number in numbers.groups())
    if w <= 0 or h <= 0:
        raise MalformedMessage(f"near must have a positive width and height, got {text[:40]!r}")
    return Box(x, y, w, h)
