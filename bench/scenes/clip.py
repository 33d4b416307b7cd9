"""A moving picture with known faces: somebody who stays, and a guest who comes and goes."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from bench.scenes.faces import HEIGHT, WIDTH, Floats, Portrait, cluttered, draw, portrait_around, read_portraits
from services.contracts.geometry import Box

FPS = 30.0
CYCLE = 280
"""After so many frames it begins anew, without a jump."""

GUEST_EVERY, GUEST_STAYS = 70, 48
"""Frames from one guest to the next, and how long each stays."""

_SHAPES = 40
_QUALITY = 85


@dataclass(frozen=True, eq=False)
class ClipFrame:
    """One frame.

    Attributes:
        jpeg: 1280×720.
        resident: Where the face is that stays.
        guest: Where the other one is, if it is there.
    """

    jpeg: bytes
    resident: Box
    guest: Box | None


def compose(frames: int, seed: int, guests: bool = True) -> Iterator[ClipFrame]:
    """Yield the first frames of the cycle; nobody comes where there are to be no guests."""
    stays, comes = read_portraits().values()
    ground = cluttered(np.random.default_rng(seed), _SHAPES)
    for index in range(frames):
        canvas = ground.copy()
        resident, guest = resident_at(index), guest_at(index) if guests else None
        _draw_near(canvas, stays, resident, 4 * _wave(index, 2))
        if guest is not None:
            _draw_near(canvas, comes, guest, 4 * _wave(index, 3))
        canvas *= 1 + 0.1 * _wave(index, 1)  # clouds pass
        _, jpeg = cv2.imencode(".jpg", canvas.clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        yield ClipFrame(jpeg.tobytes(), resident, guest)


def resident_at(index: int) -> Box:
    """Return where the face that stays is: it walks up to 4 pixels a frame, and comes nearer and goes."""
    return _box(380 + 180 * _wave(index, 1), 330 + 60 * _wave(index, 2), 150 * (1 + 0.15 * _wave(index, 3)))


def guest_at(index: int) -> Box | None:
    """Return where the guest is, each time elsewhere; None where nobody came."""
    visit, since = divmod(index % CYCLE, GUEST_EVERY)
    if since >= GUEST_STAYS:
        return None
    return _box(860 + 80 * visit + since, 240 + 70 * (visit % 2) + 20 * _wave(index, 4), 100 + 12 * visit)


def _wave(index: int, times: int) -> float:
    """Return a wave that rises and falls so many times a cycle."""
    return math.sin(2 * math.pi * times * index / CYCLE)


def _box(middle_x: float, middle_y: float, side: float) -> Box:
    whole = round(side)
    return Box(round(middle_x - side / 2), round(middle_y - side / 2), whole, whole)


def _draw_near(canvas: Floats, portrait: Portrait, face: Box, degrees: float) -> None:
    """Draw where the portrait is only, which is most of the time saved."""
    around = portrait_around(portrait_around(face))
    left, top = max(0, around.x), max(0, around.y)
    part = canvas[top : min(HEIGHT, around.y + around.h), left : min(WIDTH, around.x + around.w)]
    draw(part, portrait, Box(face.x - left, face.y - top, face.w, face.h), degrees)
