"""Random changes to training faces: what a camera and a face detector vary, within the recipe's bounds."""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from services.detector.preprocess import as_model_input
from training.config import Augmentation

_JPEG_QUALITIES = (50, 95)
_BLUR_SIGMAS = (0.4, 1.2)
_NOISE_SIGMAS = (0.01, 0.06)
_ERASED_SIDES = (0.15, 0.5)


def move(image: NDArray[np.uint8], limits: Augmentation, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a face as another camera or detector might have cut it out: turned, scaled, shifted, mirrored.

    Args:
        image: uint8 [48, 48].
        limits: How far each change may go.
        rng: The source of chance; the same state gives the same face.

    Returns:
        uint8 [48, 48].
    """
    side = image.shape[0]
    matrix = _affine(side, limits, rng)
    moved = cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def harm(image: NDArray[np.uint8], limits: Augmentation, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a face as a poorer camera might have seen it: blurred, compressed, in other light, noisy, hidden in part.

    Args:
        image: uint8 [48, 48].
        limits: How far each change may go.
        rng: The source of chance; the same state gives the same face.

    Returns:
        float32 [48, 48] in [0, 1].
    """
    seen = image
    if rng.random() < limits.blur_probability:
        seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), rng.uniform(*_BLUR_SIGMAS)), np.uint8)
    if rng.random() < limits.jpeg_probability:
        seen = _compressed(seen, int(rng.integers(*_JPEG_QUALITIES)))
    face: NDArray[np.float32] = as_model_input(seen)[..., 0]
    contrast = 1 + rng.uniform(-limits.contrast, limits.contrast)
    brightness = rng.uniform(-limits.brightness, limits.brightness)
    mean = face.mean()
    face = (face - mean) * contrast + mean + brightness
    # A change that is off draws nothing, so that the others of a recipe without it stay the same.
    if limits.noise_probability and rng.random() < limits.noise_probability:
        face = face + rng.normal(0, rng.uniform(*_NOISE_SIGMAS), face.shape).astype(np.float32)
    if limits.erase_probability and rng.random() < limits.erase_probability:
        _erase(face, rng)
    changed: NDArray[np.float32] = np.clip(face, 0, 1, dtype=np.float32)
    return changed


def _erase(face: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Hide a rectangle under one shade, in place (Zhong et al., 2017, arXiv:1708.04896)."""
    side = face.shape[0]
    height, width = (int(side * rng.uniform(*_ERASED_SIDES)) for _ in range(2))
    top, left = rng.integers(side - height + 1), rng.integers(side - width + 1)
    face[top : top + height, left : left + width] = rng.random()


def _compressed(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    _, jpeg = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE), np.uint8)


def _affine(side: int, limits: Augmentation, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the 2×3 matrix of a random rotation, scale, shift and flip about the centre."""
    centre = (side - 1) / 2
    angle = rng.uniform(-limits.rotation_degrees, limits.rotation_degrees)
    scale = 1 + rng.uniform(-limits.scale, limits.scale)
    matrix = np.asarray(cv2.getRotationMatrix2D((centre, centre), angle, scale), np.float64)
    matrix[:, 2] += rng.uniform(-limits.shift, limits.shift, size=2) * side
    if limits.flip and rng.random() < 0.5:
        matrix[0] = -matrix[0]
        matrix[0, 2] += side - 1
    return matrix


_BLENDED = 0.5
_LEVEL_SEAMS = 0.75
_SEAMS = (0.3, 0.7)
_SOFTNESS = 0.75


def composed(
    face: NDArray[np.uint8], other: NDArray[np.uint8], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], float]:
    """Return a face that is partly one and partly another, in the light of the first, and the first one's share.

    Half of them are blended all over. The others have a soft seam, and one of the two on each side of it.

    Args:
        face: uint8 [s, s].
        other: uint8 [s, s].
        rng: The source of chance; the same state gives the same face.

    Returns:
        uint8 [s, s], and a share in 0–1.
    """
    own = _all_over(rng) if rng.random() < _BLENDED else _beside_a_seam(face.shape[0], rng)
    both = face * own + _in_the_light_of(face, other) * (1 - own)
    return np.rint(both).astype(np.uint8), float(own.mean())


def _all_over(rng: np.random.Generator) -> NDArray[np.float64]:
    return np.full((1, 1), rng.uniform(0.5, 1))


def _beside_a_seam(side: int, rng: np.random.Generator) -> NDArray[np.float64]:
    beyond = np.arange(side) - rng.uniform(*_SEAMS) * side
    own: NDArray[np.float64] = 1 / (1 + np.exp(beyond / _SOFTNESS))
    if rng.random() < 0.5:
        own = 1 - own
    # Emotions differ most between eyes and mouth: most seams lie level.
    return own[:, np.newaxis] if rng.random() < _LEVEL_SEAMS else own[np.newaxis, :]


def _in_the_light_of(face: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the other face with the first one's brightness and contrast: a seam shouldn't be the edge of a shadow."""
    contrast = face.std() / max(other.std(), 1.0)
    lit: NDArray[np.float64] = np.clip((other - other.mean()) * contrast + face.mean(), 0, 255)
    return lit


_BETA = 0.4


@dataclass(frozen=True)
class Blend:
    """Which rows of a batch are blended with which others, and how much each keeps of itself.

    Attributes:
        other: int64 [b], for each row the index of another one.
        own: float32 [b], at least a half; 1 where a row isn't blended.
    """

    other: NDArray[np.int64]
    own: NDArray[np.float32]

    @classmethod
    def drawn(cls, size: int, probability: float, rng: np.random.Generator) -> Self:
        """Draw a blend of so many rows, each blended with this probability; the same state gives the same blend."""
        # Where nothing is blended nothing is drawn either, so that what comes after stays the same.
        if not probability:
            return cls(np.arange(size), np.ones(size, np.float32))
        drawn = rng.beta(_BETA, _BETA, size)
        own = np.where(rng.random(size) < probability, np.maximum(drawn, 1 - drawn), 1).astype(np.float32)
        return cls(rng.permutation(size), own)

    def of(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return rows, float32 [b, …], blended."""
        own = self.own.reshape(-1, *(1 for _ in rows.shape[1:]))
        blended: NDArray[np.float32] = rows * own + rows[self.other] * (1 - own)
        return blended
