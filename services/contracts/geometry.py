"""Boxes in pictures."""

from dataclasses import dataclass

from services.contracts.messages import MalformedMessage


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
        MalformedMessage: Not four integers, or without an area.
    """
    try:
        x, y, w, h = (int(part) for part in text.split(","))
    except ValueError as error:
        raise MalformedMessage(f"near must be x,y,w,h in whole pixels, got {text[:40]!r}") from error
    if w <= 0 or h <= 0:
        raise MalformedMessage(f"near must have a positive width and height, got {text[:40]!r}")
    return Box(x, y, w, h)
