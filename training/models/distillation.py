"""Teachers: networks that were trained before, asked about each face as it is shown.

After Hinton et al., 2015 (arXiv:1503.02531), and Beyer et al., 2021 (arXiv:2106.05237), who ask about the very
view that the pupil sees.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from services.contracts.emotions import EMOTIONS
from training.data.splits import as_faces
from training.models.weights import trained_network, weights_digest
from training.run_dir import RunError, RunFolder


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


class TeacherAnswers:
    """A teacher's answers about rows of a split, by view, kept in a folder for when the run goes on."""

    def __init__(self, teacher: Teacher, rows: int, folder: Path) -> None:
        self._teacher = teacher
        self._rows = rows
        self._folder = folder
        self._by_view: dict[int, NDArray[np.float32]] = {}

    def about(
        self, view: int, rows: NDArray[np.int64], faces: Sequence[NDArray[np.uint8]], keep: bool
    ) -> NDArray[np.float32]:
        """Return what the teacher says about faces.

        Args:
            view: Which view of the rows the faces are.
            rows: int64 [b], their places in the split.
            faces: b faces, uint8 [48, 48].
            keep: Whether the view will come again.

        Returns:
            float32 [b, 7], probabilities.

        Raises:
            RunError: Answers that were kept can't be read.
            OSError: They can't be written.
        """
        if not keep:
            return self._teacher.answer(as_faces(faces))
        if view not in self._by_view:
            self._by_view[view] = self._kept(view)
        known = self._by_view[view]
        new = np.flatnonzero(np.isnan(known[rows, 0])).tolist()
        if new:
            known[rows[new]] = self._teacher.answer(as_faces([faces[place] for place in new]))
            if not np.isnan(known).any():
                self._write(view, known)
        return known[rows]

    def _kept(self, view: int) -> NDArray[np.float32]:
        path, shape = self._path(view), (self._rows, len(EMOTIONS))
        if not path.exists():
            return np.full(shape, np.nan, np.float32)
        try:
            kept: NDArray[np.float32] = np.load(path)
        except (ValueError, EOFError) as error:
            raise RunError(f"{path} can't be read: {error}") from error
        if kept.shape != shape:
            raise RunError(f"{path} holds answers of shape {kept.shape}, not {shape}")
        return kept

    def _write(self, view: int, answers: NDArray[np.float32]) -> None:
        path = self._path(view)
        path.parent.mkdir(exist_ok=True)
        partial = path.with_name(f"partial-{path.name}")
        np.save(partial, answers)
        partial.replace(path)

    def _path(self, view: int) -> Path:
        return self._folder / f"view-{view}.npy"
