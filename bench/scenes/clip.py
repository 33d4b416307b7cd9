"""A clip with known faces: one that is always visible, and a guest that appears and leaves."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from bench.scenes.faces import (
    HEIGHT,
    WIDTH,
    Floats,
    Portrait,
    cluttered_background,
    draw,
    portrait_around,
    read_portraits,
)
from services.contracts.geometry import Box

FPS = 30.0
CYCLE = 280
"""Frames after which the clip repeats without a jump."""

GUEST_EVERY, GUEST_STAYS = 70, 48
"""Frames from one guest to the next, and frames with a guest."""

_SHAPES = 40
_QUALITY = 85


@dataclass(frozen=True, eq=False)
class ClipFrame:
    """One frame.

    Attributes:
        jpeg: 1280×720.
        resident: The face that is always visible.
        guest: The guest's face, if visible.
    """

    jpeg: bytes
    resident: Box
    guest: Box | None


def compose(frames: int, seed: int, guests: bool = True) -> Iterator[ClipFrame]:
    """Yield the first frames of the clip, with or without guests."""
    resident_portrait, guest_portrait = read_portraits().values()
    background = cluttered_background(np.random.default_rng(seed), _SHAPES)
    for index in range(frames):
        canvas = background.copy()
        resident, guest = resident_at(index), guest_at(index) if guests else None
        _draw_locally(canvas, resident_portrait, resident, 4 * _wave(index, 2))
        if guest is not None:
            _draw_locally(canvas, guest_portrait, guest, 4 * _wave(index, 3))
        canvas *= 1 + 0.1 * _wave(index, 1)  # the light changes slowly
        _, jpeg = cv2.imencode(".jpg", canvas.clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        yield ClipFrame(jpeg.tobytes(), resident, guest)


def resident_at(index: int) -> Box:
    """Return the resident's face; it moves up to 4 pixels a frame and changes its size."""
    return _box(380 + 180 * _wave(index, 1), 330 + 60 * _wave(index, 2), 150 * (1 + 0.15 * _wave(index, 3)))


def guest_at(index: int) -> Box | None:
    """Return the guest's face, at another place in each visit; None without a guest."""
    visit, since = divmod(index % CYCLE, GUEST_EVERY)
    if since >= GUEST_STAYS:
        return None
    return _box(860 + 80 * visit + since, 240 + 70 * (visit % 2) + 20 * _wave(index, 4), 100 + 12 * visit)


def _wave(index: int, times: int) -> float:
    """Return a sine wave with some periods in a cycle, -1 to 1."""
    return math.sin(2 * math.pi * times * index / CYCLE)


def _box(middle_x: float, middle_y: float, side: float) -> Box:
    whole = round(side)
    return Box(round(middle_x - side / 2), round(middle_y - side / 2), whole, whole)


def _draw_locally(canvas: Floats, portrait: Portrait, face: Box, degrees: float) -> None:
    """Draw in the portrait's surroundings only, which is much faster."""
    around = portrait_around(portrait_around(face))
    left, top = max(0, around.x), max(0, around.y)
    part = canvas[top : min(HEIGHT, around.y + around.h), left : min(WIDTH, around.x + around.w)]
    draw(part, portrait, Box(face.x - left, face.y - top, face.w, face.h), degrees)
