"""Puts faces of the dataset into pictures as a camera sends them, and notes where."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.contracts.geometry import Box, ImageSize
from training.backgrounds import Picture, background

SIZE = ImageSize(1280, 720)
FACES_PER_SCENE = 8
JPEG_QUALITY = 80

_COLUMNS, _ROWS = 4, 2
_FADE = 0.15
"""How far, in sides, a face's edge is drawn out and fades into the background.

FER2013's images end close around the face, and a hard edge there is what no camera shows. Of hard edges, edges
that fade inwards, and mirrored or repeated edges that fade outwards, the last let the cascade find
the most faces, by little, and leave every pixel of the face as it is.
"""


@dataclass(frozen=True)
class Scene:
    """A picture with faces in it.

    Attributes:
        jpeg: The encoded picture.
        frames: Where each face's image stands, in the order given.
    """

    jpeg: bytes
    frames: tuple[Box, ...]


def scene_of(faces: Sequence[NDArray[np.uint8]], side: int, rng: np.random.Generator) -> Scene:
    """Return a scene of 1280×720 pixels with each face at a random place.

    Args:
        faces: At most ``FACES_PER_SCENE`` images, uint8 [48, 48].
        side: Pixels that a face's image measures in the scene; at most 320.
        rng: The source of chance; the same state gives the same scene.
    """
    picture = background(SIZE, rng)
    frames = _frames(len(faces), side, rng)
    scaled = [_enlarged(face, side) for face in faces]
    for face, frame in zip(scaled, frames, strict=True):
        _fade_out(picture, face, frame)
    # After every edge: that of a neighbour must not lie over a face.
    for face, frame in zip(scaled, frames, strict=True):
        picture[frame.y : frame.y + side, frame.x : frame.x + side] = face[..., np.newaxis]
    pixels = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return Scene(encoded.tobytes(), frames)


def _frames(faces: int, side: int, rng: np.random.Generator) -> tuple[Box, ...]:
    """Return places that don't overlap: each anywhere in a cell of its own."""
    if faces > FACES_PER_SCENE:
        raise ValueError(f"a scene has room for {FACES_PER_SCENE} faces, got {faces}")
    width, height = SIZE.width // _COLUMNS, SIZE.height // _ROWS
    cells = rng.permutation(_COLUMNS * _ROWS)[:faces]
    return tuple(
        Box(
            int(cell % _COLUMNS) * width + int(rng.integers(0, width - side + 1)),
            int(cell // _COLUMNS) * height + int(rng.integers(0, height - side + 1)),
            side,
            side,
        )
        for cell in cells
    )


def _enlarged(face: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(face, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)


def _fade_out(picture: Picture, face: NDArray[np.uint8], frame: Box) -> None:
    margin = round(_FADE * frame.w)
    patch = cv2.copyMakeBorder(face, margin, margin, margin, margin, cv2.BORDER_REPLICATE).astype(np.float32)
    towards = np.arange(len(patch))
    rise = np.clip((np.minimum(towards, towards[::-1]) + 1) / (margin + 1), 0, 1)
    opacity = np.minimum.outer(rise, rise)
    left, top = frame.x - margin, frame.y - margin
    inside = np.s_[max(0, -top) : SIZE.height - top, max(0, -left) : SIZE.width - left]
    region = picture[max(0, top) : top + len(patch), max(0, left) : left + len(patch)]
    shown = opacity[inside][..., np.newaxis]
    region[:] = shown * patch[inside][..., np.newaxis] + (1 - shown) * region
