"""Scenes with known faces, composed from the demo feed's two public-domain portraits, the same for the same seed.

Sources and licences of the portraits: ``services/capture/sources/portraits/SOURCES.md``.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from services.contracts.geometry import Box, iou

WIDTH, HEIGHT = 1280, 720
_PORTRAITS = Path(__file__).parent.parent.parent / "services" / "capture" / "sources" / "portraits"
_FACES = {"eileen_collins.jpg": Box(172, 64, 104, 104), "grace_hopper.jpg": Box(151, 102, 228, 228)}
"""Where the face is in each portrait, as a frontal cascade sees it."""

_FREE_OVERLAP = 0.01

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture and its faces.

    Attributes:
        kind: What is hard about it.
        jpeg: 1280×720.
        faces: Where they are.
    """

    kind: str
    jpeg: bytes
    faces: tuple[Box, ...]


@dataclass(frozen=True, eq=False)
class Portrait:
    """Somebody's picture, and where the face in it is."""

    pixels: Pixels
    face: Box


@dataclass(frozen=True)
class Recipe:
    """How scenes of a kind are made: how many faces, how small and large, on which ground, and what befalls them."""

    faces: int
    sides_px: tuple[float, float]
    ground: Callable[[np.random.Generator], Floats]
    spoil: Callable[[Floats, np.random.Generator], Floats] = lambda scene, _: scene


def smooth(rng: np.random.Generator) -> Floats:
    """Return a ground of soft shades, float32 [720, 1280, 3]."""
    coarse = rng.uniform(40, 200, (9, 16, 3)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.float32)


def cluttered(rng: np.random.Generator, shapes: int = 120) -> Floats:
    """Return a ground full of shapes, stripes and grain, float32 [720, 1280, 3]."""
    ground = smooth(rng)
    for _ in range(shapes):
        x, y = int(rng.integers(WIDTH)), int(rng.integers(HEIGHT))
        colour = [float(shade) for shade in rng.uniform(0, 255, 3)]
        size = int(rng.integers(8, 120))
        thickness = int(rng.choice([-1, 2, 6]))
        shape = rng.integers(3)
        if shape == 0:
            cv2.rectangle(ground, (x, y), (x + size, y + int(rng.integers(8, 120))), colour, thickness)
        elif shape == 1:
            cv2.ellipse(ground, (x, y), (size, size // 2 + 1), float(rng.uniform(0, 180)), 0, 360, colour, thickness)
        else:
            cv2.line(ground, (x, y), (x + int(rng.normal(0, 200)), y + int(rng.normal(0, 200))), colour, 4)
    return ground + rng.normal(0, 6, ground.shape).astype(np.float32)


def dim(scene: Floats, rng: np.random.Generator) -> Floats:
    """Return the scene in little light, with the grain that a camera then adds."""
    return scene * np.float32(rng.uniform(0.15, 0.35)) + rng.normal(0, 5, scene.shape).astype(np.float32)


def lit_from_one_side(scene: Floats, rng: np.random.Generator) -> Floats:
    """Return the scene with light that falls off across it."""
    fall = np.linspace(1.1, 0.3, WIDTH, dtype=np.float32)[np.newaxis, :, np.newaxis]
    return scene * (fall if rng.random() < 0.5 else fall[:, ::-1])


def moved(scene: Floats, rng: np.random.Generator) -> Floats:
    """Return the scene as a camera that moves sees it: smeared along a line of 5 to 11 pixels."""
    length = int(rng.integers(2, 6)) * 2 + 1
    kernel = np.zeros((length, length), np.float32)
    angle, middle = rng.uniform(0, math.pi), length // 2
    reach = (round(middle * math.cos(angle)), round(middle * math.sin(angle)))
    cv2.line(kernel, (middle - reach[0], middle - reach[1]), (middle + reach[0], middle + reach[1]), 1.0)
    return np.asarray(cv2.filter2D(scene, -1, kernel / kernel.sum()), np.float32)


def grainy(scene: Floats, rng: np.random.Generator) -> Floats:
    """Return the scene with strong noise."""
    return scene + rng.normal(0, 18, scene.shape).astype(np.float32)


RECIPES = {
    "small": Recipe(1, (52, 80), smooth),
    "medium": Recipe(1, (80, 200), smooth),
    "large": Recipe(1, (200, 480), smooth),
    "several": Recipe(5, (56, 150), smooth),
    "clutter": Recipe(2, (60, 240), cluttered),
    "dim": Recipe(1, (70, 240), cluttered, dim),
    "side light": Recipe(2, (70, 240), smooth, lit_from_one_side),
    "motion": Recipe(1, (90, 300), cluttered, moved),
    "noise": Recipe(1, (70, 240), smooth, grainy),
    "none": Recipe(0, (0, 0), cluttered),
}


def scenes(each: int, seed: int) -> Iterator[Scene]:
    """Yield so many scenes of each kind."""
    portraits = read_portraits()
    rng = np.random.default_rng(seed)
    for kind, recipe in RECIPES.items():
        for _ in range(each):
            yield _scene(kind, recipe, portraits, rng)


def shuffled(each: int, seed: int) -> list[Scene]:
    """Return so many scenes of each kind in mixed order, so that what else a machine does meets all kinds alike."""
    made = list(scenes(each, seed))
    return [made[index] for index in np.random.default_rng(seed).permutation(len(made))]


def read_portraits() -> dict[str, Portrait]:
    """Return the portraits by name."""
    return {name: Portrait(_read(_PORTRAITS / name), face) for name, face in _FACES.items()}


def _scene(kind: str, recipe: Recipe, portraits: dict[str, Portrait], rng: np.random.Generator) -> Scene:
    canvas = recipe.ground(rng)
    faces: list[Box] = []
    for _ in range(recipe.faces):
        name = str(rng.choice(list(portraits)))
        smallest, largest = recipe.sides_px
        side = smallest * (largest / smallest) ** rng.random()
        face = _free_place(round(side), faces, rng)
        draw(canvas, portraits[name], face, float(rng.normal(0, 5)))
        faces.append(face)
    pixels = recipe.spoil(canvas, rng).clip(0, 255).astype(np.uint8)
    _, jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(70, 95))])
    return Scene(kind, jpeg.tobytes(), tuple(faces))


def _free_place(side: int, taken: Sequence[Box], rng: np.random.Generator) -> Box:
    """Return a place for a face where the portrait around it hides no other face."""
    while True:
        face = Box(int(rng.integers(0, WIDTH - side)), int(rng.integers(0, HEIGHT - side)), side, side)
        if all(iou(portrait_around(face), portrait_around(other)) < _FREE_OVERLAP for other in taken):
            return face


def portrait_around(face: Box) -> Box:
    """Return what a portrait covers whose face is there."""
    return Box(face.x - face.w // 2, face.y - face.h // 2, 2 * face.w, 2 * face.h)


def draw(canvas: Floats, portrait: Portrait, face: Box, degrees: float) -> None:
    """Draw a portrait's head and shoulders so that its face lies in the box, turned a little about its middle.

    Args:
        canvas: float32 [height, width, 3], drawn upon.
        portrait: Whom.
        face: Where in the canvas.
        degrees: How far it is turned.
    """
    pixels, inside = portrait.pixels, portrait.face
    scale = face.w / inside.w
    turn = cv2.getRotationMatrix2D((inside.x + inside.w / 2, inside.y + inside.h / 2), degrees, scale)
    turn[0, 2] += face.x + face.w / 2 - inside.x - inside.w / 2
    turn[1, 2] += face.y + face.h / 2 - inside.y - inside.h / 2
    around = portrait_around(inside)
    mask = np.zeros(pixels.shape[:2], np.float32)
    mask[max(0, around.y) : around.y + around.h, max(0, around.x) : around.x + around.w] = 1
    if scale < 1:  # warpAffine doesn't average, so fine detail is taken out first
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), 0.4 / scale), np.uint8)
    size = (canvas.shape[1], canvas.shape[0])
    drawn = cv2.warpAffine(pixels.astype(np.float32), turn, size, flags=cv2.INTER_LINEAR)
    share = cv2.warpAffine(mask, turn, size, flags=cv2.INTER_LINEAR)[..., np.newaxis]
    canvas += (drawn - canvas) * share


def _read(path: Path) -> Pixels:
    image = cv2.imread(str(path))
    if image is None:
        raise FileNotFoundError(path)
    return np.asarray(image, np.uint8)
