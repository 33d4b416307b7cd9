"""Blends training faces with one another, and their targets likewise (Zhang et al., 2017, arXiv:1710.09412)."""

import numpy as np
from numpy.typing import NDArray

_BETA = 0.4


def mix(
    faces: NDArray[np.float32], targets: NDArray[np.float32], probability: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return a batch of which some rows are blended with another row; each keeps at least half of itself.

    Args:
        faces: float32 [b, 48, 48, 1].
        targets: float32 [b, 7].
        probability: How often a row is blended.
        rng: The source of chance; the same state gives the same batch.
    """
    if not probability:
        return faces, targets
    size = len(faces)
    drawn = rng.beta(_BETA, _BETA, size)
    own = np.where(rng.random(size) < probability, np.maximum(drawn, 1 - drawn), 1).astype(np.float32)
    other = rng.permutation(size)
    return _blend(faces, other, own.reshape(-1, 1, 1, 1)), _blend(targets, other, own.reshape(-1, 1))


def _blend(rows: NDArray[np.float32], other: NDArray[np.int64], own: NDArray[np.float32]) -> NDArray[np.float32]:
    blended: NDArray[np.float32] = rows * own + rows[other] * (1 - own)
    return blended
