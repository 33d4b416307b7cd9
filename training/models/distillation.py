"""Teachers: trained networks whose probabilities are targets of another network.

Knowledge distillation after Hinton et al., 2015 (arXiv:1503.02531). As in Beyer et al., 2021 (arXiv:2106.05237), the
teachers label the same view of a face that the student is trained on.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from services.contracts.emotions import EMOTIONS
from training.data.splits import to_model_input
from training.models.weights import load_trained_network, weights_digest
from training.run_dir import RunDir, RunError


class Teacher(Protocol):
    """Anything that classifies faces."""

    def predict(self, faces: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return probabilities, float32 [n, 7], of faces, float32 [n, 48, 48, 1] in [0, 1]."""
        ...


class Ensemble:
    """Several networks whose probabilities are averaged.

    Every other network gets the mirror image, which makes their errors less correlated.
    """

    def __init__(self, networks: Sequence[keras.Model]) -> None:
        self._networks = networks

    @property
    def digest(self) -> str:
        """A digest of each network's weights, separated by spaces."""
        return " ".join(weights_digest(network) for network in self._networks)

    def predict(self, faces: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return probabilities, float32 [n, 7], of faces, float32 [n, 48, 48, 1] in [0, 1]."""
        views = (faces, np.ascontiguousarray(faces[:, :, ::-1]))
        probabilities = [network.predict_on_batch(views[index % 2]) for index, network in enumerate(self._networks)]
        mean: NDArray[np.float32] = np.mean(probabilities, axis=0, dtype=np.float32)
        return mean


def load_teachers(runs: Sequence[RunDir], precision: str) -> Ensemble:
    """Return the networks of finished runs as one teacher.

    Args:
        runs: One or more.
        precision: ``float32`` or ``mixed_bfloat16``, independent of the precision they were trained in.

    Raises:
        RunError: A directory holds no run, or its checkpoint can't be used.
        RecipeError: A run's recipe is damaged.
    """
    return Ensemble([load_trained_network(run.checkpoint, run.recipe(), precision) for run in runs])


class SoftTargetCache:
    """A teacher's probabilities of the rows of a split, by view; stored in a directory for resumed runs."""

    def __init__(self, teacher: Teacher, rows: int, directory: Path) -> None:
        self._teacher = teacher
        self._rows = rows
        self._directory = directory
        self._by_view: dict[int, NDArray[np.float32]] = {}

    def get(
        self, view: int, rows: NDArray[np.int64], faces: Sequence[NDArray[np.uint8]], keep: bool
    ) -> NDArray[np.float32]:
        """Return the teacher's probabilities of a view of some rows.

        Args:
            view: Number of the view.
            rows: int64 [b], indices into the split.
            faces: b faces, uint8 [48, 48].
            keep: Whether to cache the result, because the view is shown again.

        Returns:
            float32 [b, 7].

        Raises:
            RunError: A stored file can't be read.
            OSError: A file can't be written.
        """
        if not keep:
            return self._teacher.predict(to_model_input(faces))
        if view not in self._by_view:
            self._by_view[view] = self._load(view)
        known = self._by_view[view]
        missing = np.flatnonzero(np.isnan(known[rows, 0])).tolist()
        if missing:
            known[rows[missing]] = self._teacher.predict(to_model_input([faces[index] for index in missing]))
            if not np.isnan(known).any():
                self._store(view, known)
        return known[rows]

    def _load(self, view: int) -> NDArray[np.float32]:
        path, shape = self._path(view), (self._rows, len(EMOTIONS))
        if not path.exists():
            return np.full(shape, np.nan, np.float32)
        try:
            stored: NDArray[np.float32] = np.load(path)
        except (ValueError, EOFError) as error:
            raise RunError(f"{path} can't be read: {error}") from error
        if stored.shape != shape:
            raise RunError(f"{path} holds probabilities of shape {stored.shape}, not {shape}")
        return stored

    def _store(self, view: int, probabilities: NDArray[np.float32]) -> None:
        path = self._path(view)
        path.parent.mkdir(exist_ok=True)
        partial = path.with_name(f"partial-{path.name}")
        np.save(partial, probabilities)
        partial.replace(path)

    def _path(self, view: int) -> Path:
        return self._directory / f"view-{view}.npy"
