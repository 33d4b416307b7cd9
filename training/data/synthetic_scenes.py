"""Synthetic camera images: faces of the dataset on random backgrounds, with their positions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.contracts.geometry import Box, ImageSize

SIZE = ImageSize(1280, 720)
FACES_PER_SCENE = 8
JPEG_QUALITY = 80

Pixels = NDArray[np.float32]
"""float32 [height, width, 3], about 0 to 255."""

_COLUMNS, _ROWS = 4, 2
_FADE = 0.15
"""Width of the border around a face, in sides: its edge pixels are repeated and fade into the background.

FER2013's images are cropped close around the face, and a camera image has no hard edge there. Three kinds of edges were
compared: hard, fading inwards, and repeated or mirrored fading outwards. The last let the cascade find the most faces,
by a small margin, and leave every pixel of the face unchanged.
"""


@dataclass(frozen=True)
class Scene:
    """An image with faces.

    Attributes:
        jpeg: The encoded image.
        boxes: Position of each face, in the order given.
    """

    jpeg: bytes
    boxes: tuple[Box, ...]


def render_scene(faces: Sequence[NDArray[np.uint8]], side: int, rng: np.random.Generator) -> Scene:
    """Return a scene of 1280×720 pixels with each face at a random position.

    Args:
        faces: At most ``FACES_PER_SCENE`` images, uint8 [48, 48].
        side: Pixels per side of a face in the scene; at most 320.
        rng: Random generator; the same state gives the same scene.
    """
    canvas = draw_background(SIZE, rng)
    boxes = _random_boxes(len(faces), side, rng)
    scaled = [_resize_face(face, side) for face in faces]
    for face, box in zip(scaled, boxes, strict=True):
        _draw_faded_border(canvas, face, box)
    # After all borders, so that no border covers a face.
    for face, box in zip(scaled, boxes, strict=True):
        canvas[box.y : box.y + side, box.x : box.x + side] = face[..., np.newaxis]
    pixels = np.clip(np.rint(canvas), 0, 255).astype(np.uint8)
    _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return Scene(encoded.tobytes(), boxes)


def draw_background(size: ImageSize, rng: np.random.Generator) -> Pixels:
    """Return a random background: smooth gradients, texture, or shapes out of focus."""
    kinds: tuple[Callable[[ImageSize, np.random.Generator], Pixels], ...] = (_gradients, _texture, _shapes)
    return kinds[int(rng.integers(len(kinds)))](size, rng)


def _gradients(size: ImageSize, rng: np.random.Generator) -> Pixels:
    return _resize_to(rng.uniform(20, 230, (4, 7, 3)), size)


def _texture(size: ImageSize, rng: np.random.Generator) -> Pixels:
    """Noise in six octaves, whose amplitude falls with the grain."""
    pixels = np.broadcast_to(rng.uniform(60, 190, 3), (size.height, size.width, 3)).astype(np.float32)
    for octave in range(1, 7):
        grain = rng.normal(0, 45 / 1.6**octave, (9 * 2**octave // 2, 16 * 2**octave // 2, 3))
        pixels += _resize_to(grain, size)
    return pixels


def _shapes(size: ImageSize, rng: np.random.Generator) -> Pixels:
    canvas = np.clip(_gradients(size, rng), 0, 255).astype(np.uint8)
    for _ in range(40):
        colour = [int(value) for value in rng.integers(0, 256, 3)]
        x, y = int(rng.integers(size.width)), int(rng.integers(size.height))
        width, height = (int(value) for value in rng.integers(20, 300, 2))
        if rng.random() < 0.5:
            cv2.rectangle(canvas, (x, y), (x + width, y + height), colour, -1)
        else:
            cv2.ellipse(canvas, (x, y), (width // 2, height // 2), rng.uniform(0, 180), 0, 360, colour, -1)
    return cv2.GaussianBlur(canvas, (0, 0), rng.uniform(1, 6)).astype(np.float32)


def _random_boxes(faces: int, side: int, rng: np.random.Generator) -> tuple[Box, ...]:
    """Return boxes that don't overlap: each at a random position in its own cell of a grid."""
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


def _draw_faded_border(canvas: Pixels, face: NDArray[np.uint8], box: Box) -> None:
    margin = round(_FADE * box.w)
    patch = cv2.copyMakeBorder(face, margin, margin, margin, margin, cv2.BORDER_REPLICATE).astype(np.float32)
    position = np.arange(len(patch))
    ramp = np.clip((np.minimum(position, position[::-1]) + 1) / (margin + 1), 0, 1)
    opacity = np.minimum.outer(ramp, ramp)
    left, top = box.x - margin, box.y - margin
    inside = np.s_[max(0, -top) : SIZE.height - top, max(0, -left) : SIZE.width - left]
    region = canvas[max(0, top) : top + len(patch), max(0, left) : left + len(patch)]
    alpha = opacity[inside][..., np.newaxis]
    region[:] = alpha * patch[inside][..., np.newaxis] + (1 - alpha) * region


def _resize_face(face: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(face, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)


def _resize_to(small: NDArray[np.float64], size: ImageSize) -> Pixels:
    large = cv2.resize(small.astype(np.float32), (size.width, size.height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, np.float32)
