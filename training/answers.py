"""What a teacher said about each view of a face, so that it is asked once about each."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.contracts.emotions import EMOTIONS
from training.faces import as_faces
from training.run_folder import RunError
from training.teacher import Teacher


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
