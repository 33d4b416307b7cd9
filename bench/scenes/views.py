"""Pictures that differ in one thing: how large they are, or how many faces they have."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from bench.scenes.faces import HEIGHT, WIDTH, Floats, cluttered, draw, read_portraits
from services.contracts.geometry import Box

MOST_FACES = 8
"""As many as have a place of their own."""

_ACROSS, _DOWN = 4, 2
_SIDES_PX = (96, 132)
_SHAPES = 40
_QUALITY = 85
_FACES_OF_A_VIEW = 2

Size = tuple[int, int]


@dataclass(frozen=True, eq=False)
class View:
    """A picture.

    Attributes:
        jpeg: The file.
        size: Its width and height.
        faces: Where they are.
    """

    jpeg: bytes
    size: Size
    faces: tuple[Box, ...]


def sized(sizes: Sequence[Size], rng: np.random.Generator) -> Iterator[View]:
    """Yield one view of two faces, as cameras of these resolutions show it."""
    places = _places(rng)[:_FACES_OF_A_VIEW]
    # Twice the usual size, so that no resolution has fewer details than it can show.
    largest = cv2.resize(cluttered(rng, _SHAPES), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    canvas = np.asarray(largest, np.float32)
    _draw_all(canvas, [_scaled(face, 2) for face in places])
    for size in sizes:
        shrunk = np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), np.float32)
        shrunk += rng.normal(0, 4, shrunk.shape).astype(np.float32)  # a camera's grain is as coarse as its pixels
        yield _view(shrunk, [_scaled(face, size[0] / WIDTH) for face in places])


def crowds(numbers: Sequence[int], rng: np.random.Generator) -> Iterator[View]:
    """Yield one place with so many faces, 1280×720; those of a smaller number are among those of a larger one."""
    ground, places = cluttered(rng, _SHAPES), _places(rng)
    for number in numbers:
        canvas = ground.copy()
        _draw_all(canvas, places[:number])
        yield _view(canvas, places[:number])


def _places(rng: np.random.Generator) -> list[Box]:
    """Return a place in each field of the picture, in any order, where no portrait reaches into another."""
    wide, tall = WIDTH // _ACROSS, HEIGHT // _DOWN
    places = []
    for field in rng.permutation(MOST_FACES):
        side = int(rng.integers(*_SIDES_PX))
        x, y = int(field) % _ACROSS * wide, int(field) // _ACROSS * tall
        places.append(Box(x + (wide - side) // 2, y + (tall - side) // 2, side, side))
    return places


def _draw_all(canvas: Floats, faces: Sequence[Box]) -> None:
    portraits = list(read_portraits().values())
    for index, face in enumerate(faces):
        draw(canvas, portraits[index % len(portraits)], face, 0)


def _scaled(box: Box, scale: float) -> Box:
    return Box(*(round(value * scale) for value in (box.x, box.y, box.w, box.h)))


def _view(canvas: Floats, faces: Sequence[Box]) -> View:
    pixels = canvas.clip(0, 255).astype(np.uint8)
    _, jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return View(jpeg.tobytes(), (canvas.shape[1], canvas.shape[0]), tuple(faces))
