"""Teachers: networks that were trained before, asked about each face as it is shown.

After Hinton et al., 2015 (arXiv:1503.02531), and Beyer et al., 2021 (arXiv:2106.05237), who ask about the very
view that the pupil sees.
"""

from collections.abc import Sequence
from typing import Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from training.run_folder import RunFolder
from training.trained import trained_network, weights_digest


class Teacher(Protocol):
    """Whoever can be asked what a face shows."""

    def answer(self, faces: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return probabilities, float32 [n, 7], for faces, float32 [n, 48, 48, 1] in [0, 1]."""
        ...


class Ensemble:
    """Several networks, whose answers are averaged; they err less alike when every other one sees the mirror image."""

    def __init__(self, networks: Sequence[keras.Model]) -> None:
        self._networks = networks

    @property
    def digest(self) -> str:
        """What tells these networks from others: a digest of each one's weights."""
        return " ".join(weights_digest(network) for network in self._networks)

    def answer(self, faces: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return probabilities, float32 [n, 7], for faces, float32 [n, 48, 48, 1] in [0, 1]."""
        views = (faces, np.ascontiguousarray(faces[:, :, ::-1]))
        answers = [network.predict_on_batch(views[index % 2]) for index, network in enumerate(self._networks)]
        mean: NDArray[np.float32] = np.mean(answers, axis=0, dtype=np.float32)
        return mean


def read_teachers(runs: Sequence[RunFolder], arithmetic: str) -> Ensemble:
    """Return the networks of finished runs as one teacher.

    Args:
        runs: One or more.
        arithmetic: ``float32`` or ``mixed_bfloat16``, whatever they were trained in.

    Raises:
        RunError: A folder holds no run, or its checkpoint can't be used.
        RecipeError: A run's recipe was damaged.
    """
    return Ensemble([trained_network(run.checkpoint, run.recipe(), arithmetic) for run in runs])
