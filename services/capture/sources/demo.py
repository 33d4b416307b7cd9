"""The demo feed: two portraits that alternate and move, for machines without a camera."""

import math
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import cv2
import numpy as np

from services.capture.sources.base import Frame, Pixels, SourceError
from services.runtime.clock import Clock, WallClock, unix_us

WIDTH = 1280
HEIGHT = 720
SECONDS_EACH = 5.0
CYCLE_S = 2 * SECONDS_EACH

_SWAY_X = 230.0
_SWAY_Y = 14.0
_ZOOM = 0.1
_TOP_COLOUR = (104.0, 96.0, 88.0)
_BOTTOM_COLOUR = (64.0, 60.0, 56.0)


@dataclass(frozen=True)
class _Picture:
    file_name: str
    width: int
    height: int
    mean_height: float


class Portrait(Enum):
    """The portraits: file, its size in pixels, and its mean height on the canvas."""

    SMILING = _Picture("eileen_collins.jpg", 512, 512, mean_height=620.0)
    SERIOUS = _Picture("grace_hopper.jpg", 512, 600, mean_height=590.0)


@dataclass(frozen=True)
class Placement:
    """The position of a portrait.

    Attributes:
        portrait: Which one.
        left: Left edge, pixels of the canvas.
        top: Top edge, pixels of the canvas.
        scale: Pixels of the canvas for each pixel of the portrait.
    """

    portrait: Portrait
    left: float
    top: float
    scale: float


def placement_at(seconds: float) -> Placement:
    """Return the portrait and its position at a time after the start. The smiling portrait comes first."""
    portrait = Portrait.SMILING if seconds % CYCLE_S < SECONDS_EACH else Portrait.SERIOUS
    picture = portrait.value
    turn = 2 * math.pi * seconds / CYCLE_S
    scale = picture.mean_height / picture.height * (1 + _ZOOM * math.sin(1.5 * turn))
    centre_x = WIDTH / 2 + _SWAY_X * math.sin(turn)
    centre_y = HEIGHT / 2 + _SWAY_Y * math.cos(2 * turn)
    return Placement(portrait, centre_x - scale * picture.width / 2, centre_y - scale * picture.height / 2, scale)


class DemoSource:
    """Renders the scene at the time of each read, counted from the first frame."""

    def __init__(self, clock: Clock, wall_clock: WallClock = unix_us) -> None:
        self._clock = clock
        self._wall_clock = wall_clock
        self._canvas = DemoCanvas()
        self._started: float | None = None

    def read(self) -> Frame:
        """Render a frame."""
        now, captured_at_us = self._clock(), self._wall_clock()
        if self._started is None:
            self._started = now
        pixels = self._canvas.draw(placement_at(now - self._started))
        return Frame(pixels, WIDTH, HEIGHT, now, captured_at_us)

    def close(self) -> None:
        """Do nothing: there is no device or file to close."""


class DemoCanvas:
    """The portraits and the background, decoded once."""

    def __init__(self) -> None:
        self._background = _background()
        self._portraits = {portrait: _load(portrait) for portrait in Portrait}

    def draw(self, placement: Placement) -> Pixels:
        """Return the canvas [720, 1280, 3] with the portrait at its position, with subpixel precision."""
        canvas = self._background.copy()
        portrait = self._portraits[placement.portrait]
        height, width = portrait.shape[:2]
        left, top, scale = placement.left, placement.top, placement.scale
        x, y = math.floor(left), math.floor(top)
        # Warp only the part of the canvas that the portrait covers.
        part = canvas[y : math.ceil(top + scale * height), x : math.ceil(left + scale * width)]
        matrix = np.array([[scale, 0, left - x], [0, scale, top - y]], np.float64)
        cv2.warpAffine(
            portrait,
            matrix,
            (part.shape[1], part.shape[0]),
            dst=part,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_TRANSPARENT,
        )
        return canvas


def _background() -> Pixels:
    """Return a plain background, slightly darker towards the bottom, in which no face is detected."""
    rows = np.linspace(_TOP_COLOUR, _BOTTOM_COLOUR, HEIGHT)
    return np.ascontiguousarray(np.broadcast_to(rows[:, None, :], (HEIGHT, WIDTH, 3))).astype(np.uint8)


def _load(portrait: Portrait) -> Pixels:
    path = Path(__file__).with_name("portraits") / portrait.value.file_name
    picture = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise SourceError(f"{path.name} can't be decoded")
    return np.asarray(picture, np.uint8)
