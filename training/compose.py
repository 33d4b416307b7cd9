"""Puts new faces together out of two, so that teachers can be asked about faces that nobody has.

Beyer et al., 2021 (arXiv:2106.05237) ask teachers about blended pictures; Yun et al., 2019 (arXiv:1905.04899) join
parts of pictures.
"""

import numpy as np
from numpy.typing import NDArray

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
