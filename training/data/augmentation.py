"""Random changes to training faces, within the bounds of the recipe.

``geometric_augment`` varies what a face detector varies, ``degrade`` what a camera varies. ``composite`` and ``Mixup``
combine faces.
"""

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

_BLEND_PROBABILITY = 0.5
_HORIZONTAL_SEAM_PROBABILITY = 0.75
_SEAM_POSITIONS = (0.3, 0.7)
_SEAM_SOFTNESS_PX = 0.75

_MIXUP_BETA = 0.4


def geometric_augment(image: NDArray[np.uint8], limits: Augmentation, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Rotate, scale, shift and flip a face at random.

    Args:
        image: uint8 [48, 48].
        limits: Bounds of the changes.
        rng: Random generator; the same state gives the same face.

    Returns:
        uint8 [48, 48].
    """
    side = image.shape[0]
    matrix = _affine_matrix(side, limits, rng)
    moved = cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def degrade(image: NDArray[np.uint8], limits: Augmentation, rng: np.random.Generator) -> NDArray[np.float32]:
    """Blur, compress, relight, add noise to and erase a part of a face at random.

    Args:
        image: uint8 [48, 48].
        limits: Bounds of the changes.
        rng: Random generator; the same state gives the same face.

    Returns:
        float32 [48, 48] in [0, 1].
    """
    degraded = image
    if rng.random() < limits.blur_probability:
        degraded = np.asarray(cv2.GaussianBlur(degraded, (0, 0), rng.uniform(*_BLUR_SIGMAS)), np.uint8)
    if rng.random() < limits.jpeg_probability:
        degraded = _jpeg_compress(degraded, int(rng.integers(*_JPEG_QUALITIES)))
    face: NDArray[np.float32] = as_model_input(degraded)[..., 0]
    contrast = 1 + rng.uniform(-limits.contrast, limits.contrast)
    brightness = rng.uniform(-limits.brightness, limits.brightness)
    mean = face.mean()
    face = (face - mean) * contrast + mean + brightness
    # A disabled change draws nothing, so that recipes without it keep their random sequence.
    if limits.noise_probability and rng.random() < limits.noise_probability:
        face = face + rng.normal(0, rng.uniform(*_NOISE_SIGMAS), face.shape).astype(np.float32)
    if limits.erase_probability and rng.random() < limits.erase_probability:
        _erase(face, rng)
    clipped: NDArray[np.float32] = np.clip(face, 0, 1, dtype=np.float32)
    return clipped


def composite(
    face: NDArray[np.uint8], other: NDArray[np.uint8], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], float]:
    """Combine two faces into one, for the teachers to label.

    Half of the composites are blends of both images (Beyer et al., 2021, arXiv:2106.05237). The others join a part of
    each along a soft seam, as CutMix does with rectangles (Yun et al., 2019, arXiv:1905.04899).

    Args:
        face: uint8 [s, s]; the other face gets its brightness and contrast.
        other: uint8 [s, s].
        rng: Random generator; the same state gives the same face.

    Returns:
        The composite, uint8 [s, s], and the weight of the first face in it, 0–1.
    """
    weight = _blend_weight(rng) if rng.random() < _BLEND_PROBABILITY else _seam_weight(face.shape[0], rng)
    both = face * weight + _match_lighting(other, face) * (1 - weight)
    return np.rint(both).astype(np.uint8), float(weight.mean())


@dataclass(frozen=True)
class Mixup:
    """Blends the rows of a batch with each other, and their targets too (Zhang et al., 2017, arXiv:1710.09412).

    Attributes:
        partner: int64 [b], the index of each row's partner.
        weight: float32 [b], each row's own weight: at least a half; 1 if a row isn't blended.
    """

    partner: NDArray[np.int64]
    weight: NDArray[np.float32]

    @classmethod
    def sample(cls, size: int, probability: float, rng: np.random.Generator) -> Self:
        """Draw partners and weights for a batch; each row is blended with this probability."""
        # A disabled change draws nothing, so that recipes without it keep their random sequence.
        if not probability:
            return cls(np.arange(size), np.ones(size, np.float32))
        drawn = rng.beta(_MIXUP_BETA, _MIXUP_BETA, size)
        weight = np.where(rng.random(size) < probability, np.maximum(drawn, 1 - drawn), 1).astype(np.float32)
        return cls(rng.permutation(size), weight)

    def apply(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return rows, float32 [b, …], blended with those of their partners."""
        weight = self.weight.reshape(-1, *(1 for _ in rows.shape[1:]))
        blended: NDArray[np.float32] = rows * weight + rows[self.partner] * (1 - weight)
        return blended


def _affine_matrix(side: int, limits: Augmentation, rng: np.random.Generator) -> NDArray[np.float64]:
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


def _jpeg_compress(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    _, jpeg = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE), np.uint8)


def _erase(face: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Fill a random rectangle with one shade, in place (Zhong et al., 2017, arXiv:1708.04896)."""
    side = face.shape[0]
    height, width = (int(side * rng.uniform(*_ERASED_SIDES)) for _ in range(2))
    top, left = rng.integers(side - height + 1), rng.integers(side - width + 1)
    face[top : top + height, left : left + width] = rng.random()


def _blend_weight(rng: np.random.Generator) -> NDArray[np.float64]:
    return np.full((1, 1), rng.uniform(0.5, 1))


def _seam_weight(side: int, rng: np.random.Generator) -> NDArray[np.float64]:
    distance = np.arange(side) - rng.uniform(*_SEAM_POSITIONS) * side
    weight: NDArray[np.float64] = 1 / (1 + np.exp(distance / _SEAM_SOFTNESS_PX))
    if rng.random() < 0.5:
        weight = 1 - weight
    # Most seams are horizontal: they separate eyes and mouth, between which emotions differ most.
    return weight[:, np.newaxis] if rng.random() < _HORIZONTAL_SEAM_PROBABILITY else weight[np.newaxis, :]


def _match_lighting(image: NDArray[np.uint8], reference: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Give an image the brightness and contrast of another one, so that a seam is no edge of brightness."""
    contrast = reference.std() / max(image.std(), 1.0)
    matched: NDArray[np.float64] = np.clip((image - image.mean()) * contrast + reference.mean(), 0, 255)
    return matched
