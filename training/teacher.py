"""A teacher: what a network that was trained before says about each training face, kept in a file.

What it says about a face it has seen hundreds of times is mostly the label again; about changed copies of
the face it says more of what it sees. So the file holds the mean over several copies (after Hinton et al.,
2015, arXiv:1503.02531).
"""

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from services.contracts.emotions import EMOTIONS
from training.csv_rows import DatasetError


@dataclass(frozen=True)
class Teacher:
    """A teacher's answers about the training rows of one file.

    Attributes:
        probabilities: float32 [n, 7], a row for each training row that isn't left out, in the file's order.
        data_sha256: Of the file.
    """

    probabilities: NDArray[np.float32]
    data_sha256: str


def write_teacher(path: Path, teacher: Teacher) -> None:
    """Write a teacher's answers so that a reader never meets half of them.

    Raises:
        OSError: The file can't be written.
    """
    partial = path.with_name(f".partial-{path.name}")
    with partial.open("wb") as stream:
        np.savez(stream, probabilities=teacher.probabilities, data_sha256=np.array(teacher.data_sha256))
    partial.replace(path)


def read_teacher(path: Path) -> Teacher:
    """Read a teacher's answers.

    Raises:
        DatasetError: The file can't be read, or holds no distribution over the emotions for each row.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as kept:
            teacher = Teacher(np.asarray(kept["probabilities"], np.float32), str(kept["data_sha256"]))
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror or error}") from error
    except (ValueError, TypeError, KeyError, EOFError, BadZipFile) as error:
        raise DatasetError(f"{path} holds no teacher's answers; `make teacher` writes them") from error
    shape = teacher.probabilities.shape
    if len(shape) != 2 or shape[1] != len(EMOTIONS):
        raise DatasetError(f"{path}: answers of shape {shape}, not a row of {len(EMOTIONS)} for each face")
    if not np.allclose(teacher.probabilities.sum(axis=1), 1, atol=1e-3):
        raise DatasetError(f"{path}: a row of answers doesn't sum to 1")
    return teacher
