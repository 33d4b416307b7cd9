"""Images with known faces, composed from the demo feed's two public-domain portraits; reproducible for a seed.

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
"""The face in each portrait, as a frontal cascade finds it."""

_MAX_IOU = 0.01

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Scene:
    """An image and its faces.

    Attributes:
        kind: Name in ``SCENE_KINDS``.
        jpeg: 1280×720.
        faces: Boxes of the faces.
    """

    kind: str
    jpeg: bytes
    faces: tuple[Box, ...]


@dataclass(frozen=True, eq=False)
class Portrait:
    """A portrait and the box of its face."""

    pixels: Pixels
    face: Box


@dataclass(frozen=True)
class SceneKind:
    """How scenes of a kind are composed: number and size of faces, background, and distortion of the image."""

    faces: int
    sides_px: tuple[float, float]
    background: Callable[[np.random.Generator], Floats]
    distortion: Callable[[Floats, np.random.Generator], Floats] = lambda scene, _: scene


def smooth_background(rng: np.random.Generator) -> Floats:
    """Return a background of soft shades, float32 [720, 1280, 3]."""
    coarse = rng.uniform(40, 200, (9, 16, 3)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.float32)


def cluttered_background(rng: np.random.Generator, shapes: int = 120) -> Floats:
    """Return a background of shapes, lines and noise, float32 [720, 1280, 3]."""
    background = smooth_background(rng)
    for _ in range(shapes):
        x, y = int(rng.integers(WIDTH)), int(rng.integers(HEIGHT))
        colour = [float(shade) for shade in rng.uniform(0, 255, 3)]
        size = int(rng.integers(8, 120))
        thickness = int(rng.choice([-1, 2, 6]))
        shape = rng.integers(3)
        if shape == 0:
            cv2.rectangle(background, (x, y), (x + size, y + int(rng.integers(8, 120))), colour, thickness)
        elif shape == 1:
            cv2.ellipse(
                background, (x, y), (size, size // 2 + 1), float(rng.uniform(0, 180)), 0, 360, colour, thickness
            )
        else:
            cv2.line(background, (x, y), (x + int(rng.normal(0, 200)), y + int(rng.normal(0, 200))), colour, 4)
    return background + rng.normal(0, 6, background.shape).astype(np.float32)


def dimmed(scene: Floats, rng: np.random.Generator) -> Floats:
    """Return the scene in dim light, with a camera's noise."""
    return scene * np.float32(rng.uniform(0.15, 0.35)) + rng.normal(0, 5, scene.shape).astype(np.float32)


def lit_from_one_side(scene: Floats, rng: np.random.Generator) -> Floats:
    """Return the scene with light from one side."""
    fall = np.linspace(1.1, 0.3, WIDTH, dtype=np.float32)[np.newaxis, :, np.newaxis]
    return scene * (fall if rng.random() < 0.5 else fall[:, ::-1])


def motion_blurred(scene: Floats, rng: np.random.Generator) -> Floats:
    """Return the scene with motion blur along a line of 5 to 11 pixels."""
    length = int(rng.integers(2, 6)) * 2 + 1
    kernel = np.zeros((length, length), np.float32)
    angle, middle = rng.uniform(0, math.pi), length // 2
    reach = (round(middle * math.cos(angle)), round(middle * math.sin(angle)))
    cv2.line(kernel, (middle - reach[0], middle - reach[1]), (middle + reach[0], middle + reach[1]), 1.0)
    return np.asarray(cv2.filter2D(scene, -1, kernel / kernel.sum()), np.float32)


def noisy(scene: Floats, rng: np.random.Generator) -> Floats:
    """Return the scene with strong noise."""
    return scene + rng.normal(0, 18, scene.shape).astype(np.float32)


SCENE_KINDS = {
    "small": SceneKind(1, (52, 80), smooth_background),
    "medium": SceneKind(1, (80, 200), smooth_background),
    "large": SceneKind(1, (200, 480), smooth_background),
    "several": SceneKind(5, (56, 150), smooth_background),
    "clutter": SceneKind(2, (60, 240), cluttered_background),
    "dim": SceneKind(1, (70, 240), cluttered_background, dimmed),
    "side light": SceneKind(2, (70, 240), smooth_background, lit_from_one_side),
    "motion": SceneKind(1, (90, 300), cluttered_background, motion_blurred),
    "noise": SceneKind(1, (70, 240), smooth_background, noisy),
    "none": SceneKind(0, (0, 0), cluttered_background),
}


def scenes(each: int, seed: int) -> Iterator[Scene]:
    """Yield some scenes of each kind."""
    portraits = read_portraits()
    rng = np.random.default_rng(seed)
    for kind, recipe in SCENE_KINDS.items():
        for _ in range(each):
            yield _scene(kind, recipe, portraits, rng)


def shuffled(each: int, seed: int) -> list[Scene]:
    """Return some scenes of each kind in random order, so that background load affects all kinds alike."""
    made = list(scenes(each, seed))
    return [made[index] for index in np.random.default_rng(seed).permutation(len(made))]


def read_portraits() -> dict[str, Portrait]:
    """Return the portraits by name."""
    return {name: Portrait(_read(_PORTRAITS / name), face) for name, face in _FACES.items()}


def _scene(kind: str, recipe: SceneKind, portraits: dict[str, Portrait], rng: np.random.Generator) -> Scene:
    canvas = recipe.background(rng)
    faces: list[Box] = []
    for _ in range(recipe.faces):
        name = str(rng.choice(list(portraits)))
        smallest, largest = recipe.sides_px
        side = smallest * (largest / smallest) ** rng.random()
        face = _free_box(round(side), faces, rng)
        draw(canvas, portraits[name], face, float(rng.normal(0, 5)))
        faces.append(face)
    pixels = recipe.distortion(canvas, rng).clip(0, 255).astype(np.uint8)
    _, jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(70, 95))])
    return Scene(kind, jpeg.tobytes(), tuple(faces))


def _free_box(side: int, taken: Sequence[Box], rng: np.random.Generator) -> Box:
    """Return a box for a face whose portrait covers no other face."""
    while True:
        face = Box(int(rng.integers(0, WIDTH - side)), int(rng.integers(0, HEIGHT - side)), side, side)
        if all(iou(portrait_around(face), portrait_around(other)) < _MAX_IOU for other in taken):
            return face


def portrait_around(face: Box) -> Box:
    """Return the box of the portrait around a face."""
    return Box(face.x - face.w // 2, face.y - face.h // 2, 2 * face.w, 2 * face.h)


def draw(canvas: Floats, portrait: Portrait, face: Box, degrees: float) -> None:
    """Draw a portrait so that its face fills the box, rotated about the face's centre.

    Args:
        canvas: float32 [height, width, 3], modified.
        portrait: The portrait.
        face: The face's box in the canvas.
        degrees: Rotation.
    """
    pixels, inside = portrait.pixels, portrait.face
    scale = face.w / inside.w
    turn = cv2.getRotationMatrix2D((inside.x + inside.w / 2, inside.y + inside.h / 2), degrees, scale)
    turn[0, 2] += face.x + face.w / 2 - inside.x - inside.w / 2
    turn[1, 2] += face.y + face.h / 2 - inside.y - inside.h / 2
    around = portrait_around(inside)
    mask = np.zeros(pixels.shape[:2], np.float32)
    mask[max(0, around.y) : around.y + around.h, max(0, around.x) : around.x + around.w] = 1
    if scale < 1:  # warpAffine doesn't average pixels: blur before shrinking
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
