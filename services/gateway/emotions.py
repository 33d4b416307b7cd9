"""Inferring emotions, wherever that is done."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.gateway.deadline import Deadline


@dataclass(frozen=True, eq=False)
class EmotionScores:
    """The model's answer for the faces of one image.

    Attributes:
        probabilities: float32 [n, 7], in the order of ``EMOTIONS``.
        reliable: bool [n], whether the top probability is above the model's own threshold.
        version: The version of the model that answered.
    """

    probabilities: NDArray[np.float32]
    reliable: NDArray[np.bool_]
    version: str


class EmotionModel(Protocol):
    """Infers the emotions of faces."""

    async def infer(self, faces: NDArray[np.float32], by: Deadline, version: int | None = None) -> EmotionScores:
        """Return the scores of float32 [n, 48, 48, 1] faces in [0, 1], by then; of the newest version if none is named.

        Raises:
            ProblemError: The model fails, or has no such version.
        """

    async def versions(self) -> tuple[int, ...]:
        """Return the versions that are available, the newest last; raise where the model can't be asked."""

    async def check(self) -> str:
        """Return what is found in a few words if the model is there; raise if not."""
