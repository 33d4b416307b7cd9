"""Puts faces of the dataset into pictures as a camera sends them, and notes where."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.contracts.geometry import Box, ImageSize

Picture = NDArray[np.float32]
"""float32 [height, width, 3], about 0 to 255."""


def background(size: ImageSize, rng: np.random.Generator) -> Picture:
    """Return one of the kinds, chosen and drawn by chance."""
    kinds: tuple[Callable[[ImageSize, np.random.Generator], Picture], ...] = (_light, _texture, _shapes)
    return kinds[int(rng.integers(len(kinds)))](size, rng)


def _light(size: ImageSize, rng: np.random.Generator) -> Picture:
    return _enlarged(rng.uniform(20, 230, (4, 7, 3)), size)


def _texture(size: ImageSize, rng: np.random.Generator) -> Picture:
    """Noise at six sizes of grain, the finer the fainter."""
    picture = np.broadcast_to(rng.uniform(60, 190, 3), (size.height, size.width, 3)).astype(np.float32)
    for octave in range(1, 7):
        grain = rng.normal(0, 45 / 1.6**octave, (9 * 2**octave // 2, 16 * 2**octave // 2, 3))
        picture += _enlarged(grain, size)
    return picture


def _shapes(size: ImageSize, rng: np.random.Generator) -> Picture:
    canvas = np.clip(_light(size, rng), 0, 255).astype(np.uint8)
    for _ in range(40):
        colour = [int(value) for value in rng.integers(0, 256, 3)]
        x, y = int(rng.integers(size.width)), int(rng.integers(size.height))
        width, height = (int(value) for value in rng.integers(20, 300, 2))
        if rng.random() < 0.5:
            cv2.rectangle(canvas, (x, y), (x + width, y + height), colour, -1)
        else:
            cv2.ellipse(canvas, (x, y), (width // 2, height // 2), rng.uniform(0, 180), 0, 360, colour, -1)
    return cv2.GaussianBlur(canvas, (0, 0), rng.uniform(1, 6)).astype(np.float32)


def _enlarged(small: NDArray[np.float64], size: ImageSize) -> Picture:
    large = cv2.resize(small.astype(np.float32), (size.width, size.height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, np.float32)


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
    scaled = [_enlarged_scenes(face, side) for face in faces]
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


def _enlarged_scenes(face: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
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
