"""Series of images that differ in one property: their size, or their number of faces."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from bench.scenes.faces import HEIGHT, WIDTH, Floats, cluttered_background, draw, read_portraits
from services.contracts.geometry import Box

MAX_FACES_IN_VIEW = 8
"""Number of cells in the grid of faces."""

_ACROSS, _DOWN = 4, 2
_SIDES_PX = (96, 132)
_SHAPES = 40
_QUALITY = 85
_FACES_OF_A_VIEW = 2

Size = tuple[int, int]


@dataclass(frozen=True, eq=False)
class View:
    """An image.

    Attributes:
        jpeg: The encoded image.
        size: Width and height.
        faces: Boxes of the faces.
    """

    jpeg: bytes
    size: Size
    faces: tuple[Box, ...]


def views_by_size(sizes: Sequence[Size], rng: np.random.Generator) -> Iterator[View]:
    """Yield one scene with two faces at each resolution."""
    places = _places(rng)[:_FACES_OF_A_VIEW]
    # Composed at twice the usual size, so that every resolution is a reduction.
    largest = cv2.resize(cluttered_background(rng, _SHAPES), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    canvas = np.asarray(largest, np.float32)
    _draw_all(canvas, [_scaled(face, 2) for face in places])
    for size in sizes:
        shrunk = np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), np.float32)
        shrunk += rng.normal(0, 4, shrunk.shape).astype(np.float32)  # noise of single pixels, as of a camera
        yield _view(shrunk, [_scaled(face, size[0] / WIDTH) for face in places])


def views_by_faces(numbers: Sequence[int], rng: np.random.Generator) -> Iterator[View]:
    """Yield one scene, 1280×720, with each number of faces; more faces are added to the same ones."""
    background, places = cluttered_background(rng, _SHAPES), _places(rng)
    for number in numbers:
        canvas = background.copy()
        _draw_all(canvas, places[:number])
        yield _view(canvas, places[:number])


def _places(rng: np.random.Generator) -> list[Box]:
    """Return a box in each cell of the grid, in random order; portraits don't overlap."""
    wide, tall = WIDTH // _ACROSS, HEIGHT // _DOWN
    places = []
    for field in rng.permutation(MAX_FACES_IN_VIEW):
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
