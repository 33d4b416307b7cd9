"""What the demo feed shows at a moment: pure functions of time."""

import math
from dataclasses import dataclass
from enum import Enum

WIDTH = 1280
HEIGHT = 720
SECONDS_EACH = 5.0
CYCLE_S = 2 * SECONDS_EACH

_SWAY_X = 230.0
_SWAY_Y = 14.0
_ZOOM = 0.1


@dataclass(frozen=True)
class _Picture:
    file_name: str
    width: int
    height: int
    usual_height: float


class Portrait(Enum):
    """The portraits: file, its size in pixels, and the height it is usually drawn at."""

    SMILING = _Picture("eileen_collins.jpg", 512, 512, usual_height=620.0)
    SERIOUS = _Picture("grace_hopper.jpg", 512, 600, usual_height=590.0)


@dataclass(frozen=True)
class Placement:
    """Where a portrait is drawn.

    Attributes:
        portrait: Which one.
        left: Of its left edge, pixels of the canvas.
        top: Of its top edge, pixels of the canvas.
        scale: Pixels of the canvas for each pixel of the portrait.
    """

    portrait: Portrait
    left: float
    top: float
    scale: float


def placement_at(seconds: float) -> Placement:
    """Return what is drawn so many seconds after the start. The smiling portrait comes first."""
    portrait = Portrait.SMILING if seconds % CYCLE_S < SECONDS_EACH else Portrait.SERIOUS
    picture = portrait.value
    turn = 2 * math.pi * seconds / CYCLE_S
    scale = picture.usual_height / picture.height * (1 + _ZOOM * math.sin(1.5 * turn))
    centre_x = WIDTH / 2 + _SWAY_X * math.sin(turn)
    centre_y = HEIGHT / 2 + _SWAY_Y * math.cos(2 * turn)
    return Placement(portrait, centre_x - scale * picture.width / 2, centre_y - scale * picture.height / 2, scale)
