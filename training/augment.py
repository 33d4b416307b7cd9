"""Random changes to training faces: what a camera and a face detector vary, within the recipe's bounds."""

import cv2
import numpy as np
from numpy.typing import NDArray

from services.detector.preprocess import as_model_input
from training.recipe import Augmentation

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
