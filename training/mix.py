"""Blends training faces with one another, and their targets likewise (Zhang et al., 2017, arXiv:1710.09412)."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

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
